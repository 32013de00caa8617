"""What a damaged database of a box still proves: own facts whose page and chain verify, and where each stream stood.

A fact counts by its own hash and its link, not by where it lay, so rows are taken from every page that verifies,
whatever became of the tree above it, and from the write-ahead log beyond the place where reading it stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sync.adapters.sqlite_log.pages import Value
from sync.kernel.chain import H0, Chain
from sync.kernel.ids import LANES
from sync.kernel.suite import Hasher

WITHHELD = 2
STREAM_COLUMNS = 13
ANCHOR = "pruned."
ONE_PAGE_BYTES = 900
"""A log row of a fact up to this long lies on one page, so the page's own code vouches for it whole."""

MONOTONE = ("hub_epoch", "hub_time_ms", "hlc_high", "start_count")
"""Values of `meta` that only rise: the greatest one found is right."""


class LogRow(NamedTuple):
    h: bytes
    status: int
    fact: bytes

    def d(self, chain: Chain) -> bytes:
        return self.fact if self.status == WITHHELD else chain.digest(self.fact)


class Standing(NamedTuple):
    """A stream's row as its newest sound page has it; zeros where only its name was found."""

    incarnation: int
    lane: int
    last: int = 0
    acked: int = 0
    acked_hlc: int = 0
    safe: int = 0
    state: int = 0
    line: int = 0
    own: int = 1


@dataclass(frozen=True, slots=True)
class SavedStream:
    """`rows`: one run of links that verify, from seq `first` on; it holds what the hub has signed for up to `acked`.

    `orphans`: rows beyond a lost one, which the stream cannot carry any more, by seq. `lost`: seqs beyond `acked` that
    were written and found nowhere.
    """

    stream: int
    standing: Standing
    first: int
    rows: Sequence[LogRow]
    orphans: Mapping[int, LogRow]
    lost: int

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


class Keepsake(NamedTuple):
    """A table that follows from no fact and is worth keeping. Its rows are known by their shape; the first is the key.

    Older pages hold rows that were deleted since: a row that is no more wanted is to be written as such.
    `take` gives the row to keep, or None for a row of some other table.
    """

    table: str
    columns: tuple[str, ...]
    take: Callable[[Sequence[Value]], Sequence[Value] | None]


@dataclass(slots=True)
class Salvage:
    """`kept`: table to its rows by key."""

    streams: list[SavedStream] = field(default_factory=list)
    meta: dict[str, int] = field(default_factory=dict)
    withheld: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, dict[int | str, Sequence[Value]]] = field(default_factory=dict)

    @property
    def facts(self) -> int:
        return sum(len(s.rows) for s in self.streams)

    @property
    def orphans(self) -> int:
        return sum(len(s.orphans) for s in self.streams)

    @property
    def lost(self) -> int:
        return sum(s.lost for s in self.streams)


def salvage(rows: Iterator[Sequence[Value]], node: str, hasher: Hasher, keepsakes: Sequence[Keepsake] = ()) -> Salvage:
    """Keep what proves itself. Of two versions of a row the later one counts."""
    standings: dict[int, Standing] = {}
    found: dict[int, dict[int, LogRow]] = {}
    anchors: dict[int, int] = {}
    out = Salvage(kept={each.table: {} for each in keepsakes})
    for row in rows:
        match row:
            case [int(stream), int(seq), bytes(h), int(status), bytes(fact)] if len(h) == len(H0):
                found.setdefault(stream, {})[seq] = LogRow(h, status, fact)
            case [str(name), int(incarnation), int(lane), int(stream)] if name == node and lane in LANES:
                standings.setdefault(stream, Standing(incarnation, lane))
            case [int(stream), str(name), int(), int(), 1 | 2, int(), bytes(), *_] if len(row) >= STREAM_COLUMNS:
                if name == node:
                    standings[stream] = _standing(row)
            case [str(name), bytes(value)] if name in MONOTONE and value.isdigit():
                out.meta[name] = max(int(value), out.meta.get(name, 0))
            case [str(name), bytes(fact)] if name.startswith("withheld."):
                out.withheld[name] = fact
            case [str(name), bytes(value)] if name.startswith(ANCHOR) and value.isdigit():
                stream = int(name.removeprefix(ANCHOR))
                anchors[stream] = max(int(value), anchors.get(stream, 1))
            case [int() | str() as key, *_]:
                for each in keepsakes:
                    if len(row) == len(each.columns) and (kept := each.take(row)) is not None:
                        out.kept[each.table][key] = kept
    for stream, standing in sorted(standings.items()):
        links = Chain(hasher, node, standing.incarnation, standing.lane)
        saved = saved_stream(stream, links, standing, found.get(stream, {}), anchors.get(stream, 0))
        if saved is not None:
            out.streams.append(saved)
    return out


def _standing(row: Sequence[Value]) -> Standing:
    numbers = [value for value in row if isinstance(value, int)]
    _, incarnation, lane, own, last, _, acked, acked_hlc, safe, state, line = numbers[:11]
    return Standing(incarnation, lane, last, acked, acked_hlc, safe, state, line, own)


def saved_stream(
    stream: int, chain: Chain, standing: Standing, rows: Mapping[int, LogRow], anchor: int = 0
) -> SavedStream | None:
    """What can be said of one stream; None when nothing was ever written in it. Below `anchor` facts were dropped."""
    signed = max(standing.acked, anchor)
    runs = _runs(chain, rows)
    held = max(signed, 1)
    first, last = next(((a, b) for a, b in runs if a <= held <= b and (signed or a == 1)), (signed + 1, signed))
    sound = {
        seq for a, b in runs for seq in range(a, b + 1) if seq > a or a == 1 or len(rows[a].fact) <= ONE_PAGE_BYTES
    }
    orphans = {seq: rows[seq] for seq in sorted(sound) if seq > last and rows[seq].status == 0}
    end = max(standing.last, last, max(orphans, default=0))
    if end == 0:
        return None
    lost = max(0, end - last - len(orphans))
    return SavedStream(stream, standing, first, [rows[seq] for seq in range(first, last + 1)], orphans, lost)


def _runs(chain: Chain, rows: Mapping[int, LogRow]) -> list[tuple[int, int]]:
    """(first, last) of each run of seqs in which every row but the first verifies against the one before it."""
    runs: list[tuple[int, int]] = []
    for seq in sorted(rows):
        row = rows[seq]
        if runs and runs[-1][1] == seq - 1 and chain.link(seq, rows[seq - 1].h, row.d(chain)) == row.h:
            runs[-1] = (runs[-1][0], seq)
        elif seq > 1 or chain.link(1, H0, row.d(chain)) == row.h:
            runs.append((seq, seq))
    return runs
