"""run_overview: the first call on a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from massgen_logs.text.clean import fence, flat, inline
from massgen_logs.text.page import after
from massgen_logs.text.table import counts, dollars, doubt, seconds, table
from massgen_logs.tools.base import Result, Tool

if TYPE_CHECKING:
    from massgen_logs.run.model import Run

_AGENTS = 15
_EACH = 3
_FINDINGS = 12
"""Shown: with everything else of a run of 13 findings an answer stays under 2,000 tokens."""


def run_overview(run: Run) -> Result:
    """Tell what happened in a run: outcome, winner, answers, votes, restarts and what they cost, five checks, findings, what
    else must not be missed, rules that these logs can't check.

    Args:
        run: the run.
    """
    from massgen_logs.analysis.overview import overview
    from massgen_logs.tools.masking import masker_of

    masker = masker_of(run)
    asks = ("vote_reasons", "coordination_timeline", "repeated_commands", "cost_and_tokens")
    return Result(overview(run, masker.text), next=asks, masker=masker)


def render(data: Any) -> list[str]:
    """Facts, checks, findings, other red flags, restarts, the beginning of the final answer."""
    votes = data["votes"]
    ignored = "unknown" if votes["ignored"] is None else votes["ignored"]
    took = f"{seconds(data['duration_s'])} s ({data['duration_source']})"
    if data["duration_s"] is None:
        took = f"at least {seconds(data['at_least_s'])} s" if data["at_least_s"] else "not recorded"
    cost = dollars(data["cost_usd"]) + doubt(
        data["cost_usd"], floor=data["cost_is_floor"], doubled=data["cost_is_doubled"]
    )
    if data["cost_corrected_usd"] is not None:
        cost += f" (this attempt alone: {dollars(data['cost_corrected_usd'])})"
    denied = "unknown" if data["denied"] is None else data["denied"]
    never = f", never ran (no such tool or server): {data['never_ran']}" if data["never_ran"] else ""
    gate = " (by the fairness gate)" if votes["refused"] else ""
    back: dict[str, int] = votes["sent_back"] or {}
    sent = f"; {sum(back.values())} more sent back, no votes for MassGen ({counts(back)})" if back else ""
    restarts = ", ".join(f"{a} {'unknown' if n is None else n}" for a, n in data["restarts"].items())
    lines = [
        f"question (user's words): {inline(data['question'] or 'not recorded', 400)}",
        f"winner: {data['winner'] or 'none'} · finish: {flat(data['finish_reason'], 200)} · duration: {took} · cost: {cost}",
        f"answers: {data['answers']} · votes: {votes['accepted']} accepted, {ignored} ignored, {votes['refused']} refused{gate}, "
        f"{votes['counted']} counted (tally: {counts(data['tally'])}){sent} · times_restarted: {restarts}",
        f"commands: {_known(data['commands_ran'])} ran, {_known(data['commands_failed'])} failed · tool calls denied: {denied}{never}",
        *table(
            ("agent", "backend", "model", "answers", "started anew", "status", "error"),
            [
                (
                    a["id"],
                    a["backend"],
                    a["model"],
                    ", ".join(a["answers"]) or "none",
                    a["executions_restarted"],
                    a["status"],
                    a["error"],
                )
                for a in data["agent_rows"][:_AGENTS]
            ],
        ),
        *(
            [f'{len(data["agent_rows"]) - _AGENTS} more agents: part="agent_rows"']
            if len(data["agent_rows"]) > _AGENTS
            else []
        ),
        "checks:",
    ]
    lines += [f"- {_mark(check['ok'])} {check['id']}: {flat(check['evidence'], 200)}" for check in data["checks"]]
    lines += _findings(data["findings"])
    other = [flag for flag in data["red_flags"] if flag["finding"] is None]
    if other:
        lines.append(f"beside the findings ({len(other)}):")
        lines += _flags(other)
    elif not data["findings"]:
        lines.append("red flags: none")
    lines += _restarts(data["restart_costs"])
    if unknown := data["not_checkable"]:
        told = "; ".join(f"{', '.join(one['rules'])} ({one['why']})" for one in unknown)
        lines.append(f"rules not checkable in this version's logs: {told}")
    final = data["final_answer"]
    if final:
        more = f", first {len(final['preview'])}" if final["chars"] > len(final["preview"]) else ""
        lines.append(
            fence(
                final["preview"],
                f"final answer as {final['agent']} wrote it ({final['chars']} chars{more}; {final['where']})",
            )
        )
    return lines


def _known(value: int | None) -> str:
    return "unknown" if value is None else str(value)


def _mark(ok: bool | None) -> str:
    return "?" if ok is None else "ok" if ok else "NO"


def _flags(flags: list[dict[str, str]]) -> list[str]:
    """One line a flag; of one kind three at most, the number of the others told."""
    seen: dict[str, int] = {}
    lines: list[str] = []
    for flag in flags:
        seen[flag["id"]] = seen.get(flag["id"], 0) + 1
        if seen[flag["id"]] <= _EACH:
            lines.append(_flag(flag))
    return lines + [f'- {name}: {n - _EACH} more of these: part="red_flags"' for name, n in seen.items() if n > _EACH]


def _findings(found: list[dict[str, Any]]) -> list[str]:
    """One line a finding, the most severe first; numbers, all evidence and what would disprove it stand in part="findings"."""
    if not found:
        return ["findings: none"]
    shown = found[:_FINDINGS]
    rest = f'- {len(found) - len(shown)} more: part="findings", cursor="{after(found, len(shown))}"'
    more = [rest] if len(found) > len(shown) else []
    head = f'findings by rules ({len(found)}; with numbers and disproof: part="findings"):'
    return [head, *(_finding(one) for one in shown), *more]


def _restarts(costs: list[dict[str, Any]]) -> list[str]:
    """What new answers threw away: the sum, then each answer with whose execution or vote."""
    if not costs:
        return []

    def total(key: str) -> str:
        known = [c[key] for c in costs if c[key] is not None]
        more = f" (of {len(known)} of {len(costs)})" if known and len(known) < len(costs) else ""
        return f"{sum(known):.1f}{more}" if key == "seconds" else f"{sum(known)}{more}" if known else "unknown"

    ended = sum(c["ended"] == "vote superseded" for c in costs)
    cut = len(costs) - ended
    what = [f"cut {cut} execution{'s' * (cut > 1)} short"] if cut else []
    what += [f"took back the vote{'s' * (ended > 1)} of {ended} that had ended"] if ended else []
    lines = [
        f"restarts by new answers {' and '.join(what)}: {total('seconds')} s, input tokens "
        f"{total('input_tokens')}, output tokens {total('output_tokens')}, calls {total('calls')}, chars of reasoning and text {total('chars')}"
    ]
    by: dict[str, list[str]] = {}
    for c in costs:
        by.setdefault(f"{c['answer']} of {c['by']}", []).append(
            f"{c['agent']} after {seconds(c['seconds'])} s ({c['ended']})"
        )
    shown = list(by.items())[:2]
    lines += [f"- {flat(answer, 60)}: {flat(', '.join(whom), 160)}" for answer, whom in shown]
    return lines + ([f'- {len(by) - len(shown)} more answers: part="restart_costs"'] if len(by) > len(shown) else [])


def _finding(one: dict[str, Any]) -> str:
    code = f", MAST {one['mast']}" if one["mast"] else ""
    where = f" [{flat(one['evidence'][0], 100)}]" if one["evidence"] else ""
    return f"- {one['severity']} {one['rule']}{code}: {flat(one['sentence'], 200)}{where}"


def _flag(flag: dict[str, str]) -> str:
    where = f" [{flag['evidence']}]" if flag["evidence"] else ""
    return f"- {flag['id']}: {flat(flag['text'], 400)}{where}"


TOOL = Tool("run_overview", "Overview of one run", run_overview, render, orders=True, notes=None)
