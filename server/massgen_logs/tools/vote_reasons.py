"""vote_reasons: who voted for whom, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from massgen_logs.text import page
from massgen_logs.text.clean import inline
from massgen_logs.text.table import counts
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.run.model import Run

_REASON = 1500


def vote_reasons(run: Run, limit: Limit = None, cursor: Cursor = None) -> Result:
    """List every vote with its full reason: accepted, ignored at a restart, refused, superseded; which ones count, the
    tally, and where a vote was recorded for another agent than its words name.

    Args:
        run: the run.
        limit: votes a page.
        cursor: of the page before.
    """
    from massgen_logs.analysis.voting import vote_reasons as analyse

    found = analyse(run)
    # Those that count come first: an agent that reads one page has them all.
    rows = sorted(found.votes, key=lambda vote: not vote.counted)
    shown, where = page.take(
        rows, cursor, limit, 30, lambda vote: min(len(vote.reason or ""), _REASON) + 90, used=40 * len(found.final)
    )
    return Result(replace(found, votes=shown), where, ("read_trace(agent=voter, kind=reasoning)",))


def render(data: Any) -> list[str]:
    """The count, then one line a vote."""
    ignored = "unknown" if data["ignored"] is None else data["ignored"]
    lines = [
        f"counted: {', '.join(f'{voter} → {target}' for voter, target in data['final'].items()) or 'no vote'} · tally: "
        f"{counts(data['tally'])}{' (tie)' if data['tie'] else ''} · {data['accepted']} accepted, {ignored} ignored, "
        f"{data['refused']} refused{' by the fairness gate' if data['refused'] else ''}",
    ]
    if data["sent_back"]:
        lines.append(
            f"sent back before they were votes (read_status_reliability tells each): {counts(data['sent_back'])}"
        )
    if data["meant_tally"]:
        lines.append(f"by the voters' own words: {counts(data['meant_tally'])}")
    lines.append("reasons are the agents' words:")
    return lines + [_line(vote) for vote in data["votes"]]


def _line(vote: dict[str, Any]) -> str:
    kind = (
        "counted"
        if vote["counted"]
        else "superseded"
        if vote["superseded"]
        else "ignored"
        if vote["ignored"]
        else "refused"
        if vote["refused"]
        else "dropped by the backend"
    )
    when = "" if vote["t"] is None else f" t={vote['t']:.1f}"
    round_ = "" if vote["round"] is None else f" round {vote['round']}"
    label = f" ({vote['label']})" if vote["label"] else ""
    meant = f" [its words name {vote['meant']}]" if vote["meant"] else ""
    reason = "reason not recorded" if vote["reason"] is None else inline(vote["reason"], _REASON)
    return f"- {vote['voter']} → {vote['voted_for'] or '?'}{label} {kind}{round_}{when}{meant}: {reason}"


TOOL = Tool(
    "vote_reasons", "Votes and their reasons", vote_reasons, render,
    notes=frozenset({"superseded", "ignored_unknown", "refused", "misattributed", "stated_votes", "emptied_by_restart", "dropped_vote"}),
)  # fmt: skip
