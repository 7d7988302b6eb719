"""One time for all files: Unix seconds.

events.jsonl and the folder stamps are naive local time of the machine that ran MassGen, massgen.log has only a time of
day; the other files are Unix seconds. The offset of local time is taken from the run itself, from a moment that stands in
both (run/files.py lists them), rounded to a quarter of an hour; without one, this machine's zone is assumed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

_HALF_DAY = 43200
_EPOCH = datetime(1970, 1, 1)
_STAMP = re.compile(r"(\d{8})_(\d{6})(?:_(\d{1,6}))?", re.ASCII)


class Clock(Struct, frozen=True):
    """offset_s: local minus UTC of the producing machine. start: Unix seconds of the run's start."""

    offset_s: float
    start: float | None
    known: bool

    def iso(self, stamp: str) -> float | None:
        """Unix seconds of a naive local ISO time; an ISO time with a zone is taken at its word."""
        try:
            when = datetime.fromisoformat(stamp)
        except ValueError:
            return None
        if when.tzinfo is not None:
            return when.timestamp()
        return (when - _EPOCH).total_seconds() - self.offset_s

    def of_day(self, seconds: float, after: float | None = None) -> float | None:
        """Unix seconds of a time of day; None without a known start.

        Args:
            seconds: since local midnight.
            after: the time read before it; one that is much earlier in the day is the next day's, and an hour back is
                none (lines may be out of order). Without it, the time is within half a day of the run's start: MassGen
                logs for some seconds, perhaps of the evening before, until it takes that.
        """
        near = self.start if after is None else after
        if near is None:
            return None
        found = near - (near + self.offset_s) % 86400 + seconds
        if found - 86400 > near - (_HALF_DAY if after is None else 3600):
            return found - 86400
        return found + 86400 if found < near - _HALF_DAY else found


def stamp_seconds(stamp: str) -> float | None:
    """A folder stamp YYYYMMDD_HHMMSS[_ffffff] read as if it were UTC, in Unix seconds."""
    match = _STAMP.fullmatch(stamp)
    return iso_seconds(f"{match[1]}T{match[2]}.{(match[3] or '').ljust(6, '0')}") if match else None


def make(session: str, pairs: Iterable[tuple[float | None, float | None]], start: float | None = None) -> Clock:
    """Build the clock of a run.

    Args:
        session: the session's name, whose stamp is the local time at which the first turn began.
        pairs: (local time read as if it were UTC, Unix seconds) of moments that both record, the surest first; a pair
            that is no multiple of a quarter of an hour apart, within two minutes, is of two different moments.
        start: Unix seconds at which this attempt began, if known.
    """
    offset: float | None = None
    for local, unix in pairs:
        if local is None or unix is None or abs(local - unix) > 15 * 3600:
            continue
        rounded = round((local - unix) / 900) * 900
        if abs(local - unix - rounded) < 120:
            offset = float(rounded)
            break
    known = offset is not None
    begun = stamp_seconds(session.removeprefix("log_"))
    if offset is None:
        here = begun if begun is not None else time.time()
        try:
            offset = float(time.localtime(here).tm_gmtoff)
        except (OverflowError, OSError, ValueError):
            offset = 0.0
    local = start + offset if start is not None else begun
    return Clock(offset, None if local is None else local - offset, known)


def iso_seconds(stamp: str | None) -> float | None:
    """A naive local ISO time read as if it were UTC, in Unix seconds."""
    try:
        return datetime.fromisoformat(stamp or "").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
