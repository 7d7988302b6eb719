"""By what every answer is judged, whatever the tree."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mutant import PLANTED

from massgen_logs.tools.base import Answer

BUDGET = 40_000
"""Characters of an answer's text: 10,000 tokens."""
STATES = {"finished", "timed_out", "unfinished", "failed", "in_progress"}
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1$", re.M | re.S)
_PLANTED = re.compile(rf"^\W*{PLANTED}", re.M)
_OUTSIDE = "root:x:0:0"
"""What /etc/passwd holds, to which some mutants lead a link."""


def wrong_with(answer: Answer) -> list[str]:
    """Everything by which an answer breaks a promise."""
    found: list[str] = []
    text = answer.text()
    plain = json.loads(answer.dumps(), parse_constant=lambda name: found.append(f"{name} in JSON"))
    if len(text) > BUDGET:
        found.append(f"{len(text)} characters")
    if bad := FORBIDDEN.search(text):
        found.append(f"character {bad[0]!r} in {text[max(0, bad.start() - 40) : bad.start() + 20]!r}")
    if planted := _PLANTED.search(_FENCE.sub("", text)):
        found.append(f"a line of the log's: {text[max(0, planted.start() - 60) : planted.end()]!r}")
    if _OUTSIDE in text or _OUTSIDE in json.dumps(plain):
        found.append("a file outside the log root was read")
    if plain["scope"]["session"] and plain["scope"]["state"] not in STATES:
        found.append(f"state {plain['scope']['state']!r}")
    page = plain["page"]
    if page and not 0 <= page["shown"] <= page["total"]:
        found.append(f"page {page}")
    return found


def not_told(answer: Answer, names: Sequence[str]) -> list[str]:
    """Files that could not be read whole and of which the answer says nothing."""
    data = answer.json()
    told = {str(p["file"]) for p in answer.problems} | {str(s["file"]) for s in answer.sources if s["unreadable"]}
    told |= set(answer.missing)
    found = [f"{name} could not be read and JSON does not say so" for name in names if name not in told]
    if names and data["sources"] and "unreadable" not in answer.text():
        found.append(f"{', '.join(names)} could not be read and the text does not say so")
    return found
