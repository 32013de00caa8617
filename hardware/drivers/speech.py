"""The voice of an area: recordings of a voice pack, and espeak-ng for what nobody recorded."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from pathlib import Path

from hardware.codecs import waves
from hardware.codecs.announcement import Announcement, Clip, Part, parts
from hardware.drivers.readings import read_name, read_text
from sync.kernel.outcome import PeerFault, Unavailable

WORDS_A_MINUTE = 150
CHILD_S = 20.0
CLIP_BYTES_MAX = 4 * 1024 * 1024
GAP_S, AGAIN_S = 0.06, 0.8


class Voice:
    """`pack` is a folder of `<text>.wav` (PCM, 16 bit, one channel, 22,050 Hz); None reads everything out.

    A recording that cannot be used is passed over and read out instead.
    """

    def __init__(self, pack: Path | None = None) -> None:
        self._pack = pack
        self._clips = {file.stem: file for file in sorted(pack.glob("*.wav"))} if pack and pack.is_dir() else {}

    def speak(self, announcement: Announcement) -> array[int]:
        """The whole call, repeats and pauses included. Unavailable `sound.voice` when nothing can read it out."""
        said = waves.samples()
        for part in parts(announcement.words, self._clips.keys()):
            said += self._sound(part, announcement.rate) + waves.silence(GAP_S)
        return said + (waves.silence(AGAIN_S) + said) * (announcement.repeat - 1)

    def _sound(self, part: Part, rate: float) -> array[int]:
        if isinstance(part, Clip):
            try:
                data = self._clips[part.text].read_bytes()[:CLIP_BYTES_MAX]
                return waves.from_wave(data if rate == 1.0 else _stretched(data, rate))
            except (OSError, PeerFault):
                return _read_out(read_text(part.text), rate)
        return _read_out(read_name(part.text) if part.is_name else read_text(part.text), rate)


def _read_out(pinyin: str, rate: float) -> array[int]:
    if not pinyin:
        return waves.samples()
    speed = str(round(WORDS_A_MINUTE * rate))
    return waves.from_wave(_child(["espeak-ng", "-v", "cmn-latn-pinyin", "-s", speed, "--stdin", "--stdout"], pinyin))


def _stretched(data: bytes, rate: float) -> bytes:
    return _child(["sox", "-t", "wav", "-", "-t", "wav", "-", "tempo", "-s", f"{rate:.2f}"], data)


def _child(command: list[str], given: str | bytes) -> bytes:
    """Names go through a pipe: a command line can be read by everybody on the machine."""
    program = shutil.which(command[0])
    if program is None:
        raise Unavailable("sound.voice", retry_s=60.0)
    try:
        done = subprocess.run(
            [program, *command[1:]], input=given if isinstance(given, bytes) else given.encode(),
            capture_output=True, timeout=CHILD_S, check=True,
        )  # fmt: skip
    except (subprocess.SubprocessError, OSError):
        raise Unavailable("sound.voice", retry_s=5.0) from None
    return done.stdout
