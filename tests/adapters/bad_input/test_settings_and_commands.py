"""What may lie in a node's directory or be handed to a command, wrong: one sentence and a code, nothing changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.settings import Settings as BoxSettings
from hub.settings import Settings as HubSettings
from provisioning.bench import box as made
from provisioning.cli import app as commands
from provisioning.trust import bundle
from provisioning.trust.site import make_site
from sync.adapters import settings_file
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.kernel.outcome import PeerFault, Refused, Unavailable
from sync.kernel.suite import suite1
from sync.protocol import stick
from tests.adapters.bad_input.envelopes import short_kinds
from tests.adapters.bad_input.whole_site import MEMORY_BYTES_MAX, memory_bytes, memory_forget

ROOT = Path(__file__).parents[3]
NOISE = bytes((n * 77 + 13) % 256 for n in range(5000))
TEXTS = {
    "noise": NOISE,
    "zeros": bytes(5000),
    "half a line": b"[node",
    "a line too much": b"]\n",
    "JSON": b'{"node": 1}',
    "XML": b"<node/>",
    "a key twice": b"[node]\nnode = 'a'\nnode = 'b'\n",
    "a table twice": b"[node]\n[node]\n",
    "a table that is a word": b"node = 'x'\n",
    "a table that is a list": b"node = [1, 2]\n",
    "an array of tables": b"[[node]]\nnode = 'x'\n",
    "an unknown table": b"[moon]\nx = 1\n",
    "an unknown key": b"[node]\nnod = 'x'\n",
    "an open text": b"[node]\nnode = '",
    "a date": b"[node]\nnode = 2026-13-45\n",
    "a number beyond all": b"[web]\nport = " + b"9" * 6000,
    "an endless number": b"[web]\nport = 1e999\n",
    "not a number": b"[web]\nport = nan\n",
    "a port below": b"[web]\nport = 'x'\n",
    "deep": b"x = " + b"[" * 3000,
    "deep tables": b"x = " + b"{a=" * 3000,
    "not UTF-8": b"[node]\nnode = '\xff'\n",
    "UTF-16": "[node]\nnode = 'x'\n".encode("utf-16"),
    "a zero inside": b"[node]\nnode = 'a\0b'\n",
    "a mark first": b"\xef\xbb\xbf[node\n",
    "half an escape": b'[node]\nnode = "\\u12"\n',
    "a surrogate": b'[node]\nnode = "\\ud800"\n',
    "a list for a text": b"[web]\nhost = ['a']\n",
    "a text for a list": b"[web]\nframe_ancestors = 5\n",
    "a table for a text": b"[web]\nhost = {a = 1}\n",
    "one endless line": b"#" + b"x" * 2_000_000 + b"\n[",
    "dotted twice": b"a.b = 1\na.b.c = 2\n",
}
"""None of these is the settings file of a node."""


@pytest.mark.row("A05.10")
@pytest.mark.parametrize("model", [BoxSettings, HubSettings])
@pytest.mark.parametrize("name", TEXTS)
def test_settings_files(tmp_path: Path, model: type[BoxSettings | HubSettings], name: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(TEXTS[name])
    with pytest.raises(PeerFault) as caught:
        settings_file.load(model, path, {})
    assert caught.value.code == "settings" and len(str(caught.value)) < 400, "one sentence, not the file"


@pytest.mark.row("A05.10")
@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"WAYSTATION_NODE__NODE": "x"}, b"node = 3\n"),
        ({"WAYSTATION_WEB__PORT": "{"}, b""),
        ({"WAYSTATION_WEB__PORT": '"' + "9" * 5000 + '"'}, b""),
        ({"WAYSTATION_MOON__X": "1"}, b""),
        ({"WAYSTATION_NODE__": "1"}, b""),
        ({"WAYSTATION___": "1"}, b""),
        ({"WAYSTATION_NODE__NODE__X": "1"}, b""),
        ({"WAYSTATION_WEB__PORT": "[" * 5000}, b""),
        ({"WAYSTATION_WEB__PORT": "9" * 6000}, b""),
    ],
)
def test_settings_of_the_environment(tmp_path: Path, environ: dict[str, str], text: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(text)
    for model in (BoxSettings, HubSettings):
        with pytest.raises(PeerFault):
            settings_file.load(model, tmp_path / "settings.toml", environ)


def test_a_folder_for_a_settings_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(PeerFault):
        settings_file.load(BoxSettings, tmp_path / "settings.toml", {})


@pytest.mark.parametrize("program", ["appliance", "hub"])
def test_a_node_with_wrong_settings_says_one_sentence(tmp_path: Path, program: str) -> None:
    (tmp_path / "settings.toml").write_bytes(b"[node]\nnod = 'x'\n")
    done = subprocess.run(
        [sys.executable, "-m", program, "--dir", str(tmp_path)], capture_output=True, check=False, cwd=ROOT, timeout=120
    )
    said = done.stderr.decode()
    assert done.returncode == 1 and "Traceback" not in said and len(said.splitlines()) == 1, said
    assert "node" in said


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped box that joined nothing."""
    folder = tmp_path_factory.mktemp("whole") / "box"
    folder.mkdir()
    made.make_box(folder, records=3)
    return folder


Told = tuple[int, dict[str, object]]


@pytest.fixture
def waystation(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """A command as a person gives it, in this process: (exit code, its document)."""

    def ask(*words: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["waystation", *words, "--json"])
        with pytest.raises(SystemExit) as ended:
            commands.run()
        told = capfd.readouterr()
        assert "Traceback" not in told.err, told.err[-2000:]
        return int(ended.value.code or 0), json.loads(told.out) if told.out.strip() else {}

    return ask


def shape_of(folder: Path) -> dict[str, bytes]:
    """Every file but what SQLite keeps while somebody looks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def _damages(folder: Path) -> Iterator[tuple[str, Path, bytes]]:
    """(what, file, what it holds instead)."""
    for path in (folder / "data" / "node.db", *sorted((folder / "keys").iterdir()), folder / "settings.toml"):
        held = path.read_bytes()
        for what, data in (
            ("nothing", b""),
            ("noise", NOISE),
            ("zeros", bytes(len(held))),
            ("half", held[: len(held) // 2]),
            ("its first byte", held[:1]),
            ("a byte more", held + b"\0"),
            ("a turned byte", bytes([held[0] ^ 1]) + held[1:] if held else b"\1"),
            ("itself twice", held + held),
        ):
            yield f"{path.name}: {what}", path, data


LOOKS = (
    ("status",),
    ("facts",),
    ("explain", "courier-aaaaaaaa/0000000000000001/0/1"),
    ("export-batch", "--to", "STICK"),
)


@pytest.mark.row("A05.10")
def test_a_directory_with_a_wrong_file_is_told_and_left_as_it_is(
    whole: Path, tmp_path: Path, waystation: Callable[..., Told]
) -> None:
    box = tmp_path / "box"
    shutil.copytree(whole, box)
    for what, path, data in list(_damages(box)):
        good, mode = path.read_bytes(), path.stat().st_mode & 0o777
        path.write_bytes(data)
        before = shape_of(box)
        for words in LOOKS:
            code, told = waystation(*(str(tmp_path / "stick") if w == "STICK" else w for w in words), "--dir", str(box))
            assert code in (0, 1), (what, words, code)
            assert code == 0 or told, (what, words, "nothing was said")
        assert shape_of(box) == before, what
        path.write_bytes(good)
        path.chmod(mode)


ENTITIES = (
    "",
    "/",
    "stay",
    "stay/",
    "/1",
    "moon/1",
    "stay/\x00",
    "../..",
    "stay/" + "x" * 5000,
    "'; DROP TABLE log;--/1",
)
IDS = (
    "",
    "x",
    "a/b/c/d",
    "courier-aaaaaaaa/zz/1/1",
    "courier-aaaaaaaa/-1/9/99999999999999999999",
    "/" * 3,
    "x" * 9000,
    "courier-aaaaaaaa/" + "f" * 17 + "/1/1",
)


@pytest.mark.row("A05.10")
def test_questions_of_no_sense(whole: Path, waystation: Callable[..., Told]) -> None:
    for entity in ENTITIES:
        code, told = waystation("facts", "--dir", str(whole), "--entity", entity)
        assert code in (0, 1) and (code == 0 or told["error"]), entity[:40]
    for name in IDS:
        code, told = waystation("explain", name, "--dir", str(whole))
        assert code in (1, 2) and (code == 2 or told), name[:40]


def test_files_for_a_command(whole: Path, tmp_path: Path, waystation: Callable[..., Told]) -> None:
    """Sticks, cards, schedules and keys that are none."""
    box = tmp_path / "box"
    shutil.copytree(whole, box)
    good = stick.pack([b"x" * 200])
    bad = {
        "nothing": b"",
        "noise": NOISE,
        "text": b"hello",
        "magic alone": good[:8],
        "cut": good[:-1],
        "turned": good[:40] + b"\xff" + good[41:],
        "longer": good + b"\0",
        "another version": good[:8] + b"\x09" + good[9:],
        "a ZIP": b"PK\x03\x04" + bytes(99),
        "messages of nobody": good,
    }
    file = tmp_path / "file.way"
    for what, data in bad.items():
        file.write_bytes(data)
        for words in (
            ("import-batch", str(file), "--dir", str(box)),
            ("backup", "drill", "--dir", str(box), "--recovery-key", str(file)),
            (
                "backup",
                "restore",
                "--dir",
                str(tmp_path / "empty"),
                "--from",
                str(tmp_path),
                "--recovery-key",
                str(file),
            ),
        ):
            code, told = waystation(*words)
            assert code in (1, 2) and (code == 2 or told["error"]), (what, words, told)
    with file.open("wb") as sparse:
        sparse.truncate(10 * 1024**3)
    at_first = memory_bytes("VmRSS")
    memory_forget()
    for words in (("import-batch", str(file), "--dir", str(box)), ("import-batch", "/dev/zero", "--dir", str(box))):
        assert waystation(*words)[0] == 1, "ten gigabytes and no end"
    assert memory_bytes("VmHWM") - at_first <= 2 * MEMORY_BYTES_MAX
    for missing in (tmp_path / "absent", tmp_path, Path("/dev/null")):
        assert waystation("import-batch", str(missing), "--dir", str(box))[0] == 1
    for card in ("", "x", "WAY1:" + "A" * 300, "\x00", "💥" * 99, "WAYCARD:" + "9" * 5000):
        code, told = waystation("provision", "enrol", "--dir", str(tmp_path / "new"), "--card", card)
        assert (code, told["error"]) == (1, "card.unreadable"), card[:20]
    assert not (tmp_path / "new").exists() or not any((tmp_path / "new").rglob("identity.way"))


@pytest.mark.row("H35.7")
def test_trust_bundles(tmp_path: Path) -> None:
    """None of some hundred is adopted, and what is on the disk stays in force."""
    now_ms = SystemClock().wall_ms()
    trust = make_site(tmp_path / "keys", site="site", now_ms=now_ms, entropy=SystemEntropy(), suite=suite1)
    held = bundle.load_bundle(tmp_path / "keys")
    key = (tmp_path / "keys" / "signing.key").read_bytes()
    kinds = list(short_kinds(23, held.trust.body(), key, trust.hub, ""))
    taken: list[str] = []
    for kind in kinds:
        try:
            if not isinstance(done := bundle.adopt(held, kind.raw), Refused) and done is not held:
                taken.append(kind.name)
        except PeerFault:
            continue
    assert not taken, taken[:20]
    assert len(kinds) > 100
    for kind in kinds:
        (tmp_path / "keys" / "trust.way").write_bytes(kind.raw)
        try:
            bundle.load_bundle(tmp_path / "keys")
        except (PeerFault, Unavailable):
            continue
