"""The book of a comparison: each agreement counted, each difference kept with both values and where they stand."""

from __future__ import annotations

import math
import re
from typing import TypeGuard

from msgspec import Struct, field

from massgen_logs.records.received import Received
from massgen_logs.records.schema import Record

_PREVIEW = 190
"""Characters from which on a text may be one of MassGen's previews of 200, white space folded."""
Value = str | float | bool | None
At = tuple[str, int | None]
"""Where the local value stands, and the number of the row that the other came from."""
_MARKS = re.compile(r"\[(?:REDACTED|masked:)|\[Scrubbed due to")
_CUT = re.compile(r"(?:\.\.\.|…(?:\[\+\d+ chars\])?)\Z")


class Compared(Struct):
    """How often a measure of a kind of thing was compared, and how often it agreed. within: the largest tolerance used."""

    what: str
    measure: str
    unit: str
    compared: int = 0
    agree: int = 0
    within: float = 0.0


class Difference(Struct, frozen=True):
    """verdict: differs, only_local, only_spans, or unchecked (nothing came back to compare with). local, spans: the two
    values; difference: spans minus local. reason: an id of the answer's reasons, None where none is known. where: source
    of the local value; row: number of the row that the other came from."""

    what: str
    name: str
    measure: str
    verdict: str
    local: Value
    spans: Value
    unit: str
    difference: float | None
    reason: str | None
    where: str
    row: int | None


class Book(Struct):
    """shift_s: what the spans' clock is ahead by."""

    shift_s: float
    differences: list[Difference] = field(default_factory=list[Difference])
    _compared: dict[tuple[str, str], Compared] = field(default_factory=dict[tuple[str, str], Compared])

    def compared(self) -> list[Compared]:
        """What was compared, in the order of its first time."""
        return list(self._compared.values())

    def time(self, t: float | None) -> float | None:
        """A span's time on the logs' clock."""
        return None if t is None else t - self.shift_s

    def met(self, what: str) -> None:
        """Count a thing that both sides have."""
        self._count(what, "count", "", 0.0, agree=True)

    def check(
        self, what: str, name: str, measure: str, local: object, spans: Value, unit: str = "", *, within: float = 0.0,
        at: At = ("", None), reason: str | None = None,
    ) -> None:  # fmt: skip
        """Compare two values; what one side doesn't have is not compared."""
        if not isinstance(local, str | float | int) or spans is None:
            return
        if isinstance(local, str) or isinstance(spans, str):
            same = str(local) == str(spans)
        else:
            same = abs(spans - local) <= within + 1e-9
        self._count(what, measure, unit, within, agree=same)
        if not same:
            self.differ(what, name, measure, local, spans, unit, at=at, reason=reason)

    def text(
        self,
        what: str,
        name: str,
        measure: str,
        local: object,
        spans: str | None,
        *,
        at: At = ("", None),
    ) -> None:
        """Compare two texts of which one may be cut, or masked."""
        if not isinstance(local, str) or spans is None:
            return
        same = alike(local, spans)
        if same is None:
            self.differ(what, name, measure, local, spans, at=at, reason="redacted", verdict="unchecked")
            return
        self._count(what, measure, "", 0.0, agree=same)
        if not same:
            self.differ(what, name, measure, local, spans, at=at)

    def differ(
        self, what: str, name: str, measure: str, local: Value, spans: Value, unit: str = "", *, at: At = ("", None),
        reason: str | None = None, verdict: str = "differs",
    ) -> None:  # fmt: skip
        """Keep a difference."""
        off = round(spans - local, 6) if _is_number(local) and _is_number(spans) else None
        off = off if off is not None and math.isfinite(off) else None
        self.differences.append(Difference(what, name, measure, verdict, local, spans, unit, off, reason, *at))

    def alone(self, what: str, ours: Record | None, span: Received | None, reason: str | None = None) -> None:
        """Keep a thing that only one side has."""
        self._count(what, "count", "", 0.0, agree=False)
        if ours is not None:
            self.differ(what, ours.span_name, "count", 1, 0, at=(ours.where, None), reason=reason, verdict="only_local")
        elif span is not None:
            self.differ(what, span.name, "count", 0, 1, at=("", span.row), reason=reason, verdict="only_spans")

    def unchecked(self, what: str, name: str, local: int) -> None:
        """Nothing of this kind came back."""
        if local:
            self.differ(what, name, "count", local, 0, reason="not_in_rows", verdict="unchecked")

    def _count(self, what: str, measure: str, unit: str, within: float, *, agree: bool) -> None:
        row = self._compared.setdefault((what, measure), Compared(what, measure, unit))
        row.compared += 1
        row.agree += agree
        row.within = max(row.within, within)


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def alike(one: str, other: str) -> bool | None:
    """Whether two texts are the same as far as the shorter one, if it is cut; None where a mark in one hides its text."""
    one, other = (" ".join(text.split()) for text in (one, other))
    if one == other:
        return True
    if _MARKS.search(one) or _MARKS.search(other):
        return None
    short, long = sorted((_CUT.sub("", one), _CUT.sub("", other)), key=len)
    return len(short) >= _PREVIEW and long.startswith(short)
