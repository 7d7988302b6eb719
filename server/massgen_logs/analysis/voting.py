"""vote_reasons: every vote with its reason, which ones count, and what the count is."""

from __future__ import annotations

import re

from msgspec import Struct

from massgen_logs.run.model import Run


class VoteRow(Struct, frozen=True):
    """One vote; t in seconds from the start, round the voter's coordination round, meant: see run.model.Vote."""

    voter: str
    voted_for: str | None
    label: str | None
    reason: str | None
    accepted: bool
    ignored: bool
    superseded: bool
    counted: bool
    refused: bool
    round: int | None
    t: float | None
    meant: str | None
    dropped: bool
    """Dropped by the backend: MassGen never saw it. Then none of the flags above holds."""
    where: str


class Votes(Struct, frozen=True):
    """final: voter to the target of its counted vote; tally: votes per agent in it; meant_tally: by the voters' words.

    refused: by the fairness gate. sent_back: see `sent_back`; these are in none of the other numbers.
    """

    votes: list[VoteRow]
    final: dict[str, str]
    tally: dict[str, int]
    accepted: int
    ignored: int | None
    refused: int
    counted: int
    tie: bool
    meant_tally: dict[str, int] | None
    sent_back: dict[str, int] | None


_NO_VOTE = {
    "vote_no_answers": re.compile(r"Cannot vote when no answers exist after (?:\d+|max) attempts"),
    "invalid_vote_id": re.compile(r"Invalid agent_id after \d+ attempts"),
    "vote_and_answer": re.compile(r"Agent used both vote and new_answer .*after max attempts"),
    "multiple_votes": re.compile(r"Agent made \d+ vote calls .*after max attempts"),
}
"""Enforcement's reasons, and what ends an agent at the third one in a row."""


def sent_back(run: Run) -> dict[str, int] | None:
    """Responses with a vote that MassGen sent back before it took it for one, by enforcement's reason; None if unrecorded.

    An agent's third one in a row ends it and is no record of enforcement: its error tells.
    """
    if run.enforcement is None and run.refused_told is None:
        return None
    reasons = [event.reason for events in (run.enforcement or {}).values() for event in events]
    if run.enforcement is not None:
        ends = [moment.detail for moment in run.moments if moment.kind == "error"]
        reasons += [reason for end in ends for reason, words in _NO_VOTE.items() if words.match(end)]
    return count([r for r in (*reasons, *(told.reason for told in run.refused_told or ())) if r in _NO_VOTE])


def vote_reasons(run: Run) -> Votes:
    """Votes by time; then those that the backend dropped."""
    rows = [
        VoteRow(
            v.voter, v.voted_for, v.label, v.reason, v.accepted, v.ignored, v.superseded, v.counted, v.refused, v.round,
            run.since_start(v.t), v.meant, dropped, v.src,
        )
        for dropped, votes in ((False, run.votes), (True, run.votes_dropped))
        for v in votes
    ]  # fmt: skip
    final = {row.voter: row.voted_for for row in rows if row.counted and row.voted_for is not None}
    tally = count(list(final.values()))
    words = [row.meant or row.voted_for or "?" for row in rows if row.counted]
    best = sorted(tally.values(), reverse=True)
    return Votes(
        rows, final, tally, sum(r.accepted for r in rows), run.votes_ignored, sum(r.refused for r in rows),
        sum(r.counted for r in rows), len(best) > 1 and best[0] == best[1],
        count(words) if any(row.meant for row in rows if row.counted) else None, sent_back(run),
    )  # fmt: skip


def how_chosen(run: Run) -> str:
    """How the winner of a run that timed out was found: by votes before the limit, which then cut the presentation, or at the
    limit, with the votes that were there."""
    if run.winner is None:
        return "nobody won"
    tally = vote_reasons(run).tally
    own = tally.get(run.winner, 0)
    if decided_before_limit(run):
        others = [n for name, n in tally.items() if name != run.winner]
        score = ":".join(str(n) for n in (own, *(others or [0])))
        stored = f", its stored answer {run.stored_answer} was used again" if run.stored_answer else ""
        return f"{run.winner} had won by votes {score}; the limit cut its presentation{stored}"
    votes = f"{sum(tally.values())} of {len(run.agents)} agents had voted, {own} for it"
    return f"{run.winner} was chosen at the time-out ({votes})"


def decided_before_limit(run: Run) -> bool:
    """True if the presentation of a run that timed out had begun before its limit."""
    limits = [m.t for m in run.moments if m.kind == "timeout" and m.t is not None]
    limit = min(limits) if limits else run.ended
    return any(m.kind == "presentation" and m.t is not None and limit is not None and m.t < limit for m in run.moments)


def count(names: list[str]) -> dict[str, int]:
    """How often each name occurs, most frequent first."""
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))
