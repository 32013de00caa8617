"""Writes down what is said to and by a printer, for support; see `codecs.printer_recording` for what of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hardware.codecs.printer_recording import EARS, Ear
from hardware.drivers.cups_client import PrintServer
from hardware.drivers.document_printer import DocumentPrinter
from hardware.drivers.recording_file import RecordingFile, named
from hardware.drivers.server_recorder import HeardPrinter, ServerRecorder
from hardware.ports import ByteStream, TracedPrinter
from sync.kernel.outcome import Unavailable


class PrinterRecordings:
    """Recordings of a machine's printers, one file a printer; none where `folder` is empty."""

    def __init__(self, folder: str, mono_s: Callable[[], float]) -> None:
        self._folder = folder
        self._mono_s = mono_s
        self._files: list[RecordingFile] = []
        self._servers: list[ServerRecorder] = []

    def line(self, name: str, language: str, open_stream: Callable[[], ByteStream]) -> Callable[[], ByteStream]:
        """What opens the same line, written down."""
        if not self._folder:
            return open_stream
        self._files.append(RecordingFile(named(Path(self._folder), name, language), self._mono_s))
        return PrinterRecorder(self._files[-1], language, self._mono_s).on(open_stream)

    def server(
        self, name: str, server: PrintServer, make: Callable[[PrintServer], DocumentPrinter], **told: Any
    ) -> TracedPrinter:
        """The printer that is made with a print server, written down; `told` is how it was made, and the wall clock."""
        if not self._folder:
            return make(server)
        self._files.append(RecordingFile(named(Path(self._folder), name, "cups"), self._mono_s))
        recorder = ServerRecorder(self._files[-1], server, self._mono_s)
        recorder.begin(**told)
        self._servers.append(recorder)
        return HeardPrinter(make(recorder), recorder)

    def close(self) -> None:
        for recorder in self._servers:
            recorder.finish()
        for file in self._files:
            file.close()


class PrinterRecorder:
    """One recording, over as many openings of the line as there are, one after the other.

    A printer at rest is asked the same every half minute: an opening without paper that went like the last one is
    counted and not written again.
    """

    def __init__(self, file: RecordingFile, language: str, mono_s: Callable[[], float]) -> None:
        self._file = file
        self._language = language
        self._mono_s = mono_s
        self._began_s = mono_s()
        self._papers: dict[bytes, int] = {}
        self._last: list[dict[str, Any]] = []
        self._same = 0
        self._write([{"speaks": language}])

    def on(self, open_stream: Callable[[], ByteStream]) -> Callable[[], ByteStream]:
        def opened() -> ByteStream:
            try:
                return _Heard(open_stream(), self)
            except Unavailable:
                self.opening([self.at({"gone": True})])
                raise

        return opened

    def at(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {"at_s": round(self._mono_s() - self._began_s, 6), **entry}

    def paper(self, data: bytes) -> dict[str, Any]:
        """Known again by its digest, which never leaves this process: from it a short text could be guessed."""
        number = self._papers.setdefault(hashlib.sha256(data).digest(), len(self._papers) + 1)
        return self.at({"paper": len(data), "no": number})

    def opening(self, entries: list[dict[str, Any]]) -> None:
        """A whole opening, or the first part of one that has paper in it."""
        said = [{key: value for key, value in entry.items() if key != "at_s"} for entry in entries]
        if said == self._last:
            self._same += 1
            return
        if self._same:
            self._write([self.at({"same": self._same})])
        self._last, self._same = said, 0
        self._write(entries)

    def more(self, entry: dict[str, Any]) -> None:
        """What comes after paper is written at once: power may fail now."""
        self._last = []
        self._write([entry])

    def ear(self) -> Ear:
        return EARS[self._language]()

    def _write(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            self._file.add(entry)


class _Heard:
    def __init__(self, stream: ByteStream, recorder: PrinterRecorder) -> None:
        self._stream = stream
        self._recorder = recorder
        self._ear = recorder.ear()
        self._held: list[dict[str, Any]] | None = []
        self._add(recorder.at({"open": True}))

    def _add(self, entry: dict[str, Any]) -> None:
        if self._held is None:
            self._recorder.more(entry)
        else:
            self._held.append(entry)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held:
            self._recorder.opening(held)

    def read(self, timeout_s: float | None) -> bytes:
        data = self._listened(lambda: self._stream.read(timeout_s))
        if data:
            kept = self._ear.heard(data)
            other = {"other": len(data) - len(kept)} if len(kept) < len(data) else {}
            self._add(self._recorder.at({"from": kept.hex(), **other}))
        return data

    def write(self, data: bytes) -> None:
        if self._ear.asked(data):
            self._add(self._recorder.at({"to": data.hex()}))
        else:
            self._add(self._recorder.paper(data))
            self._release()
        self._listened(lambda: self._stream.write(data))

    def _listened(self, talk: Callable[[], Any]) -> Any:
        try:
            return talk()
        except Unavailable:
            self._add(self._recorder.at({"broke": True}))
            raise

    def close(self) -> None:
        self._stream.close()
        self._add(self._recorder.at({"closed": True}))
        self._release()
