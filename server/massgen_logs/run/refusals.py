"""Refused responses that only massgen.log's text tells (0.1.0 to 0.1.36; later versions record them in status.json).

MassGen prints its reason as a content chunk without an agent, and then starts the next attempt with a line that names
it. A refusal is counted by that pair, so that a model's look-alike text counts for nothing. After an update that was
handed to an agent ("receiving update") the next attempt is no refusal. Where two agents' lines lie between each other
the agent of each can't be told: "*".
"""

from __future__ import annotations

import re

from msgspec import Struct, field
from msgspec.structs import replace

from massgen_logs.readers.massgen_log import LogLine
from massgen_logs.run.model import ANY_AGENT, Told

_REASONS = (
    ("🔄 needs to use workflow tools", "no_workflow_call"),
    ("❌ Multiple vote calls not allowed", "multiple_votes"),
    ("❌ Cannot vote when no answers exist", "vote_no_answers"),
    ("❌ Cannot use both 'vote' and 'new_answer'", "vote_and_answer"),
    ("❌ Invalid agent_id", "invalid_vote_id"),
    ("❌ You've reached the maximum of", "answer_limit"),
    ("❌ Your answer is too similar", "answer_novelty"),
    ("❌ Answer already provided by", "answer_duplicate"),
    ("❌ Error: ", "api_error"),
)
_RETRY = re.compile(r"\[Orchestrator\] Agent (\S+) (?:workflow enforcement )?attempt (\d+)/\d+")
_UPDATE = re.compile(r"📨 \[(.+?)\] receiving update")


class Refusals(Struct):
    """Takes massgen.log message by message; found: the refusals so far."""

    found: list[Told] = field(default_factory=list[Told])
    _open: list[Told] = field(default_factory=list[Told])
    _updated: set[str] = field(default_factory=set[str])
    _after_update: bool = False
    _last: Told | None = None
    """The refusal that the last message told."""

    def take(self, line: LogLine, t: float | None) -> None:
        """One message and its time."""
        told, self._last = self._last, None
        if line.chunk is None:
            if match := _RETRY.match(line.message):
                self._retry(match[1], int(match[2]), told)
        elif update := _UPDATE.match(line.message):
            self._updated.add(update[1])
            self._after_update = True
        elif line.chunk == "content":
            reason = next((reason for start, reason in _REASONS if line.message.startswith(start)), None)
            twin = self._open[-1] if self._open else None
            doubled = twin is not None and twin.reason == "api_error" and reason == "no_workflow_call"
            if reason and not doubled and not (self._after_update and reason == "no_workflow_call"):
                self._last = Told(ANY_AGENT, reason, 0, line.message.split("\n", 1)[0], t, line.src)
                self._open.append(self._last)
            self._after_update = False

    def _retry(self, agent: str, number: int, before: Told | None) -> None:
        if agent in self._updated:
            self._updated.discard(agent)  # at a first attempt: the update came after its last one
        elif self._open and number > 1:
            sure = self._open == [before]  # else lines of two agents lie between each other
            told = self._open.pop(0)
            self.found.append(replace(told, agent=agent if sure else ANY_AGENT, attempt=number - 1))
