"""A signed-in conversation with a running hub on this machine, over its public API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from sync.kernel.outcome import Unavailable

WAIT_S = 30.0


def state_file(directory: Path) -> dict[str, Any]:
    """What a running node says of itself (address, pid); empty when it has never run."""
    try:
        return dict(json.loads((directory / "state.json").read_text("utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


class HubClient:
    """JSON in, JSON out. Raises Unavailable `hub.absent` when nobody answers, and the hub's own code for a refusal."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session = requests.Session()

    @classmethod
    def of(cls, directory: Path, user: str, password: str) -> HubClient:
        url = state_file(directory).get("base_url")
        if not url:
            raise Unavailable("hub.absent", 5.0)
        client = cls(str(url))
        client.sign_in({"user": user, "password": password})
        return client

    def sign_in(self, who: dict[str, str]) -> dict[str, Any]:
        """Both nodes answer with a token; a hub asks for user and password, a box for badge and PIN."""
        told = self.post("/api/v1/session", who)
        self._session.headers["Authorization"] = f"Bearer {told['token']}"
        return told

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(self._call("GET", path, params=query))

    def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        data: bytes | None = None,
        content_type: str = "application/json",
    ) -> Any:
        if data is not None:
            return self._answer(self._call("POST", path, data=data, headers={"Content-Type": content_type}))
        return self._answer(self._call("POST", path, json=body or {}))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer(self._call("PUT", path, json=body))

    def carry(self, path: str, body: bytes) -> bytes:
        """Bytes there, bytes back."""
        answer = self._call("POST", path, data=body, headers={"Content-Type": "application/octet-stream"})
        if answer.status_code >= 400:
            self._answer(answer)
        return answer.content

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            return self._session.request(method, self._base_url + path, timeout=WAIT_S, **more)
        except requests.RequestException:
            raise Unavailable("hub.absent", 5.0) from None

    @staticmethod
    def _answer(answer: requests.Response) -> Any:
        document = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
        if answer.status_code >= 400:
            raise Unavailable(str(document.get("code", f"http.{answer.status_code}")), 1.0)
        return document
