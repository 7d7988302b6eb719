"""run_overview: what happened, whether coordination was complete, and what must be said unasked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import Struct

from massgen_logs.analysis.costs import costs
from massgen_logs.analysis.findings import RULES, Finding, NotCheckable, findings, not_checkable
from massgen_logs.analysis.restarts import RestartCost, restart_costs
from massgen_logs.analysis.spent import executions, frame_of
from massgen_logs.analysis.voting import vote_reasons
from massgen_logs.run.model import Run

PREVIEW = 400
"""Characters of the final answer that an overview shows."""


class Check(Struct, frozen=True):
    """One thing that should have happened; ok is None where it can't be known or does not apply."""

    id: str
    ok: bool | None
    evidence: str


class RedFlag(Struct, frozen=True):
    """Something that a reader must not miss, with where it can be looked up."""

    id: str
    text: str
    evidence: str
    finding: str | None = None
    """Id of the finding that says the same."""


class VoteCounts(Struct, frozen=True):
    """ignored is None where the version drops votes without a record; refused: by the fairness gate; sent_back: see
    analysis/voting.py, these are none of the others."""

    accepted: int
    ignored: int | None
    counted: int
    refused: int
    superseded: int
    sent_back: dict[str, int] | None


class FinalAnswer(Struct, frozen=True):
    """The presented answer: its agent, length, beginning (the first PREVIEW characters), and file."""

    agent: str
    chars: int
    preview: str
    where: str


class AgentRow(Struct, frozen=True):
    """One agent at a glance; executions_restarted counts its starts after the first."""

    id: str
    backend: str | None
    model: str | None
    status: str | None
    error: str | None
    answers: list[str]
    executions_restarted: int | None


class Overview(Struct, frozen=True):
    """restarts: MassGen's times_restarted (the presenter has one more). Times in seconds, cost in US dollars."""

    question: str | None
    agents: list[str]
    agent_rows: list[AgentRow]
    winner: str | None
    state: str
    finish_reason: str
    duration_s: float | None
    duration_source: str
    at_least_s: float | None
    answers: int
    votes: VoteCounts
    tally: dict[str, int]
    restarts: dict[str, int | None]
    cost_usd: float | None
    cost_is_floor: bool
    cost_is_doubled: bool
    """It holds tokens that were counted twice."""
    cost_corrected_usd: float | None
    commands_ran: int | None
    commands_failed: int | None
    denied: int | None
    never_ran: int | None
    """Calls of any tool that found no such tool or no server."""
    checks: list[Check]
    red_flags: list[RedFlag]
    findings: list[Finding]
    not_checkable: list[NotCheckable]
    """Rules whose facts these logs don't hold: that they found nothing says nothing."""
    restart_costs: list[RestartCost]
    """Executions that a new answer cut short or whose vote it took back, and what that threw away."""
    final_answer: FinalAnswer | None


def overview(run: Run, mask: Callable[[str], str] = str) -> Overview:
    """Put the run's facts, checks and red flags together.

    Args:
        run: the run.
        mask: applied to every text before it is cut, so that no cut can halve a secret.
    """
    votes, spent = vote_reasons(run), costs(run)
    commands = [call for call in run.calls if call.command is not None]
    ended = run.ended is not None or run.duration_s is not None
    floor = None if ended or run.started is None or run.ending.last_sign is None else run.ending.last_sign - run.started
    final = run.final_text
    found = findings(run, mask)
    return Overview(
        question=run.question,
        agents=list(run.agents),
        agent_rows=[
            AgentRow(a.id, a.backend, a.model, a.status, a.error, _labels(run, a.id), a.executions)
            for a in run.agents.values()
        ],
        winner=run.winner,
        state=run.ending.state,
        finish_reason=run.ending.reason,
        duration_s=run.duration_s,
        duration_source=run.duration_src,
        at_least_s=round(floor, 1) if floor is not None and floor > 0 else None,
        answers=len(run.answers),
        votes=VoteCounts(
            votes.accepted, votes.ignored, votes.counted, votes.refused, votes.accepted - votes.counted, votes.sent_back
        ),
        tally=votes.tally,
        restarts={a.id: a.restarts for a in run.agents.values()},
        cost_usd=spent.total.with_subagents_usd,
        cost_is_floor=spent.recorded and spent.total.floor,
        cost_is_doubled=spent.total.doubled,
        cost_corrected_usd=spent.total.corrected_usd,
        commands_ran=sum(call.ran for call in commands) if run.calls_recorded else None,
        commands_failed=sum(call.outcome == "failed" for call in commands) if run.results_recorded else None,
        denied=sum(call.outcome == "denied" for call in run.calls) if run.denied_recorded else None,
        never_ran=sum(call.outcome == "not_run" for call in run.calls) if run.results_recorded else None,
        checks=checks(run),
        red_flags=red_flags(run, found),
        findings=found,
        not_checkable=not_checkable(run),
        restart_costs=restart_costs(run, executions(run, frame)) if (frame := frame_of(run)) else [],
        final_answer=FinalAnswer(run.winner, len(final), mask(final)[:PREVIEW], run.final_src)
        if final is not None and run.winner is not None
        else None,
    )


def _labels(run: Run, agent: str) -> list[str]:
    return [answer.label or "?" for answer in run.answers if answer.agent == agent]


def _without_votes(run: Run) -> str:
    """The setting by which agents are asked for no vote, "" for none."""
    for name in ("skip_voting", "skip_coordination_rounds"):
        if run.config.get(name) is True:
            return f"{name}: true"
    mode = run.config.get("coordination_mode")
    return "coordination_mode: decomposition" if mode == "decomposition" else ""


def checks(run: Run) -> list[Check]:
    """The five checks of a complete coordination."""
    state = run.ending.state
    done = None if state == "in_progress" else state == "finished"
    silent = [name for name in run.agents if not _labels(run, name)]
    voters = {vote.voter for vote in run.votes if vote.counted}
    not_voted = [name for name in run.agents if name not in voters]
    voting: bool | None = not not_voted
    if not run.answers or len(run.agents) < 2:
        voting = None if len(run.agents) < 2 else False
    no_vote = not voters and _without_votes(run)
    if no_vote:
        voting = None
    ended = state != "in_progress"  # what is not yet there may still come

    def met(there: bool) -> bool | None:
        return True if there else False if ended else None

    return [
        Check("coordination_completed", done, f"{state}: {run.ending.reason} ({run.ending.src})"),
        Check(
            "all_agents_answered",
            met(not silent) if run.agents else None,
            f"no answer from {', '.join(silent)}"
            if silent
            else f"{len(run.answers)} answers from {len(run.agents)} agents",
        ),
        Check(
            "voting_completed",
            None if voting is None else met(voting),
            f"the configuration has no voting ({no_vote})"
            if no_vote
            else f"no counted vote of {', '.join(not_voted)}"
            if not_voted
            else f"{len(voters)} of {len(run.agents)} agents have a counted vote",
        ),
        Check("winner_selected", met(run.winner is not None), run.winner_src or "no file names a winner"),
        Check(
            "final_answer_delivered",
            met(bool(run.final_text and run.final_text.strip()) and not run.presentation_cut),
            f"{run.final_src}, {len(run.final_text)} chars"
            + (f" (stored answer {run.stored_answer})" if run.stored_answer else "")
            + (" (its presentation was cut or broke off)" if run.presentation_cut else "")
            if run.final_text is not None
            else "no final answer in any file",
        ),
    ]


_MINOR = frozenset({"version_unknown", "no_agent", "backend", "split_turn", "subagents"})


def red_flags(run: Run, found: Iterable[Finding]) -> list[RedFlag]:
    """What a reader must not miss: those of its findings that are red flags, in their words, then what no rule covers."""
    flag_of = {rule.id: rule.flag for rule in RULES}
    flags = [
        RedFlag(flag_of[one.rule], one.sentence, one.evidence[0] if one.evidence else "", one.id)
        for one in found
        if flag_of[one.rule]
    ]
    told = {flag.id for flag in flags}
    flags += _votes(run, told)
    failed = [call for call in run.calls if call.outcome == "failed" and not call.recorded_ok]
    if failed:
        text = f"{len(failed)} tool calls failed, recorded as failures"
        flags.append(RedFlag("failed_calls", text, failed[0].end_src or failed[0].src))
    flags += _secret_flags(run)
    flags += [
        RedFlag(note.id, note.text, note.evidence)
        for note in run.notes
        if note.id not in _MINOR and note.id not in told
    ]
    return flags


def _secret_flags(run: Run) -> list[RedFlag]:
    secrets = run.secrets
    if secrets is None or not secrets.found:
        return []
    kinds = Counter(one.kind for one in secrets.found)
    files = Counter(place.rpartition(":")[0].rpartition("/")[2] for one in secrets.found for place in one.places)
    one = len(secrets.found) == 1
    text = f"{len(secrets.found)} {'secret stands' if one else 'secrets stand'} in clear in the logs ({', '.join(f'{k} {n}' for k, n in kinds.most_common())})"
    count = sum(secret.count for secret in secrets.found)
    text += f", {count} {'place' if count == 1 else 'places'}, in {', '.join(files)}"
    text += f"; not looked through: {', '.join(secrets.skipped)}" if secrets.skipped else ""
    return [RedFlag("secrets", text, secrets.found[0].places[0])]


def _tally(votes: dict[str, int]) -> str:
    return ", ".join(f"{agent} {n}" for agent, n in votes.items())


def _votes(run: Run, told: set[str]) -> list[RedFlag]:
    found: list[RedFlag] = []
    votes = vote_reasons(run)
    if votes.meant_tally is not None:
        text = f"by the voters' own words the count is {_tally(votes.meant_tally)}, recorded {_tally(votes.tally)}"
        found.append(
            RedFlag("meant_tally", text, next((v.file or v.src for v in run.votes if v.counted and v.meant), ""))
        )
    if run.votes_ignored and "votes_ignored" not in told:
        ignored = [vote for vote in run.votes if vote.ignored]
        by = ", ".join(dict.fromkeys(vote.voter for vote in ignored))
        text = f"{run.votes_ignored} votes were ignored at a restart (of {by})"
        found.append(RedFlag("votes_ignored", text, ignored[0].src))
    return found
