"""The later sections of a draft: cost, errors, recommendations and the appendix."""

from __future__ import annotations

from massgen_logs.analysis.errors import Incident
from massgen_logs.analysis.reliability import AgentReliability, reliability
from massgen_logs.report.issues import proposed
from massgen_logs.report.material import Material
from massgen_logs.report.work import tool_note
from massgen_logs.text.clean import flat
from massgen_logs.text.table import counts, dollars, seconds, table

_EXCEPTIONS = frozenset(
    {"start_up", "massgen_error", "api_error", "server_not_connected", "server_set_up", "server_died", "stderr_only"}
)
_FAILED = frozenset({"failed_command", "failed_tool", "hidden_failure", "never_ran"})
_AGENT = frozenset({"agent_error", "subagent"})


def costs_section(m: Material) -> dict[str, list[str]]:
    """Section 6."""
    say, spent = m.say, m.spent
    section = "6. Cost & Token Analysis"
    body = [
        say("status.json is missing or unreadable: tokens and cost are unknown, not zero.")
        if spent.status_missing and not spent.zeros
        else say(
            "Recorded are 0 tokens and no cost for every agent: no response told what it used, so that is unknown."
        )
        if spent.zeros
        else say("This version records no tokens and no cost: unknown, not zero.")
    ]
    cache = [say("Not recorded.")]
    if spent.recorded:
        rows = [
            (name, a.input_tokens, a.output_tokens, a.reasoning_tokens, _cost(m, a.cost_usd, floor=floor))
            for name, a, floor in [
                *((name, a, False) for name, a in spent.agents.items()), (say("**Total**"), spent.total, spent.total.floor),
            ]
        ]  # fmt: skip
        body = table(say.header("Agent", "Input Tokens", "Output Tokens", "Reasoning", "Cost"), rows)
        told = [
            say(
                "Corrected {name}: input {input}, output {output}, cost {cost} ({why}).",
                name=name, input=a.corrected.input_tokens, output=a.corrected.output_tokens, why=a.corrected.why,
                cost=say("unknown") if a.corrected.cost_usd is None else dollars(a.corrected.cost_usd),
            )
            for name, a in spent.agents.items()
            if a.corrected
        ]  # fmt: skip
        told += [say("The figures include {over}.", over=spent.over)] if spent.cumulative else []
        told += [
            say("Sub-agent {id}: {cost}, {calls} model calls.", id=s.id, cost=dollars(s.cost_usd),
                calls=say("unknown") if s.api_calls is None else s.api_calls)
            for s in spent.subagents
        ]  # fmt: skip
        body += [line for one in told for line in ("", one)]
        body.append(say.judge("what the spending bought"))
        total, cached = spent.total.input_tokens, spent.total.cached_input_tokens
        if total and cached is not None:
            cache = [
                say(
                    "Cached input tokens: {cached} ({rate}% cache hit rate)",
                    cached=cached,
                    rate=f"{100 * cached / total:.1f}",
                )
            ]
    used = m.times.tools
    shown = used[: m.most]
    rows = [(t.tool, t.calls, seconds(t.spent_s), tool_note(m, t) or "-") for t in shown]
    return {
        f"{section}/Cost Breakdown": body,
        f"{section}/Cache Efficiency": cache,
        f"{section}/Tool Cost Impact": [
            *table(say.header("Tool", "Calls", "Time (s)", "Notes"), rows), *say.rest(len(shown), len(used), 'time_breakdown(part="tools")'),
        ] if rows else [say("No tool calls.") if m.run.calls_recorded else say("No file holds calls: unknown.")],
    }  # fmt: skip


def _cost(m: Material, value: float | None, *, floor: bool) -> str:
    if value is None:
        return m.say("unknown")
    return dollars(value) + (f" ({m.say('a floor')})" if floor else "")


def errors_section(m: Material) -> dict[str, list[str]]:
    """Section 7: every incident of find_errors in one table of its kind."""
    say, found = m.say, m.errors
    denied = _of(m, frozenset({"denied"}))
    section = "7. Errors & Issues"
    return {
        f"{section}/Exceptions": _incidents(m, _of(m, _EXCEPTIONS)) or [say("None recorded.")],
        f"{section}/Failed Tool Calls": [
            *(_incidents(m, sorted(_of(m, _FAILED), key=lambda i: -i.count)) or [say("None.") if found.calls_recorded else say("No file holds calls: unknown.")]),
            *(["", say("Refused, never ran:"), "", *_incidents(m, denied)] if denied else []),
        ],
        f"{section}/Agent Errors": _incidents(m, _of(m, _AGENT)) or [say("None recorded.")],
        f"{section}/Timeouts": _incidents(m, _of(m, frozenset({"timeout", "round_timeout"}))) or [say("None recorded.")],
        f"{section}/+Tool Reliability": _contract(m),
        f"{section}/+Enforcement": _enforcement(m),
    }  # fmt: skip


def _of(m: Material, kinds: frozenset[str]) -> list[Incident]:
    return [incident for incident in m.errors.incidents if incident.kind in kinds]


def _incidents(m: Material, rows: list[Incident]) -> list[str]:
    """A table of incidents; nothing where there are none."""
    if not rows:
        return []
    shown = rows[: m.most + 2]
    return [
        *table(
            m.say.header("What", "Kind", "Count", "Agent", "Time", "Recorded As", "Source"),
            [_incident(m, i) for i in shown],
            260,
        ),
        *m.say.rest(len(shown), len(rows), "find_errors"),
    ]


def _incident(m: Material, i: Incident) -> tuple[object, ...]:
    subject = i.command if i.command is not None else i.tool if i.kind != "stderr_only" else None
    more = m.say(" (+{n} alike)", n=i.variants - 1) if i.variants > 1 else ""
    what = f"{m.quote(subject, 80)}{more}: {m.quote(i.sentence, 140)}" if subject else m.quote(i.sentence, 200)
    when = "-" if i.t is None else f"+{seconds(i.t)} s"
    when += f" – {seconds(i.t_last)} s" if i.t_last is not None and i.t_last != i.t else ""
    source = flat(i.sources[0], 90) + (f" +{len(i.sources) - 1}" if len(i.sources) > 1 else "")
    return (what, i.kind, i.count, i.agent, when, m.say(i.recorded_as) if i.recorded_as else None, source)


def _contract(m: Material) -> list[str]:
    """How each tool kept its word; a judgement is asked for only where something is there to judge."""
    say, found = m.say, m.errors
    if not found.tools:
        return [say("No tool calls.") if found.calls_recorded else say("No file holds calls: unknown.")]
    shown = found.tools[: m.most]
    trouble = any(t.failed or t.hidden or t.denied or t.never_ran or t.open or t.unknown for t in found.tools)
    lines = [
        *table(
            say.header("Tool", "Calls", "Failed", "Recorded as Success", "Hid an Error", "Denied", "Never Ran", "No End", "Timed Out"),
            [(t.tool, t.calls, t.failed, t.false_successes, t.hidden, t.denied, t.never_ran, t.open, t.timed_out) for t in shown],
        ),
        *say.rest(len(shown), len(found.tools), 'find_errors(part="tools")'),
        "",
        say(
            "MassGen's own count of tool failures: {own}.",
            own=say("unknown") if found.massgen_failures is None else found.massgen_failures,
        ),
    ]  # fmt: skip
    for other in found.different[: m.most]:
        parts = [f"{flat(name, 60)} x{n}" for name, n in other.outcomes.items()]
        parts = [*parts[:4], *([say("{n} more", n=len(parts) - 4)] if len(parts) > 4 else [])]
        lines.append(say(
            "- same input, different output: {what}, {n} runs: {ends} [{where}]",
            what=m.quote(other.command or other.tool, 70), n=other.runs, ends="; ".join(parts), where=other.src,
        ))  # fmt: skip
    lines += say.rest(min(m.most, len(found.different)), len(found.different), 'find_errors(part="different")')
    if trouble or found.different:
        lines.append(say.judge("same input with different output, false successes, likely root causes"))
    return lines


def _enforcement(m: Material) -> list[str]:
    say, found = m.say, reliability(m.run)
    if not found.recorded:
        told = _incidents(m, _of(m, frozenset({"refused_response"})))
        missing = say("status.json is missing or unreadable: how many responses were refused is unknown.")
        return [
            missing if found.status_missing else say("This version keeps no record of refused responses."),
            *(["", *told] if told else []),
        ]
    refused = [
        say(
            "- {agent}: {incidents}, {retries} retries, {lost} characters lost; by round: {rounds}{told}{tools}",
            agent=name, incidents=counts(a.incidents), retries=a.retries, lost=_lost(m, a),
            rounds=flat("; ".join(f"{number}: {counts(reasons)}" for number, reasons in a.by_round.items()), 200),
            told=say("; {n} more refused votes are only a text", n=a.refused_as_text) if a.refused_as_text else "",
            tools=say("; unknown tools: {names}", names=flat(", ".join(a.unknown_tools), 80)) if a.unknown_tools else "",
        )
        for name, a in found.agents.items()
        if a.incidents
    ]  # fmt: skip
    if not refused:
        return [say("None recorded.")]
    return [*refused, say.judge("whose fault: the agent's, the prompt's, the backend's or MassGen's")]


def _lost(m: Material, a: AgentReliability) -> str:
    """Characters, each failure once; MassGen's own total where it counts one twice."""
    if a.buffer_chars_lost == a.buffer_chars_lost_distinct:
        return str(a.buffer_chars_lost)
    return f"{a.buffer_chars_lost_distinct} ({m.say('{n} as recorded, a failure twice', n=a.buffer_chars_lost)})"


def end_section(m: Material) -> dict[str, list[str]]:
    """Sections 8, 9 and the appendix."""
    say, run = m.say, m.run
    settings = [("timeout_s", run.timeout_s), *run.config.items()]
    config = [f"- {flat(key, 60)}: {flat(m.mask(str(value)), 100)}" for key, value in settings if value is not None]
    agents = [
        say("- {id}: backend {backend}, model {model}", id=a.id, backend=a.backend or say("not recorded"), model=a.model or say("not recorded"))
        for a in run.agents.values()
    ]  # fmt: skip
    shown = config[: 3 * m.most]
    rows = proposed(m)
    listed = rows[: max(12, 2 * m.most)]
    return {
        "8. Recommendations/High Priority": [say.judge("1. issue: what to do about it; or: none")],
        "8. Recommendations/Medium Priority": [say.judge("as above")],
        "8. Recommendations/Low Priority / Future Improvements": [say.judge("as above")],
        "9. Suggested Linear Issues": [
            *table(
                say.header("Priority", "Title", "Description", "Labels", "ID"),
                [(i.priority, i.title, i.description, ", ".join(i.labels), i.id) for i in listed], 300,
            ),
            say.judge("edit or remove rows, add what only reading shows (no ID needed); created only after the user's approval"),
            *say.rest(len(listed), len(rows), "massgen-logs draft-report --json"),
        ],
        "Appendix/Configuration Used": [*agents, *shown, *say.rest(len(shown), len(config), "execution_metadata.yaml")],
        "Appendix/Files Generated": _files(m),
    }  # fmt: skip


def _files(m: Material) -> list[str]:
    say, files = m.say, m.files
    if not files.final:
        names = ", ".join(flat(name, 60) for name, _ in files.left[:12])
        more = [say("- {n} more", n=len(files.left) - 12)] if len(files.left) > 12 else []
        return [
            say("No files in the final workspace; that of {label} had {n}: {names}", label=files.left_in, n=len(files.left), names=names),
            *more,
        ] if files.left else [say("No files in the final workspace.")]  # fmt: skip
    shown = files.final[: 2 * m.most + 2]
    rest = "- {n} or more others" if files.more else "- {n} more"
    left = len(files.final) - len(shown)
    return [
        *(say("- {name} ({size} bytes)", name=flat(m.mask(name), 120), size=size) for name, size in shown),
        *([say(rest, n=left)] if left or files.more else []),
    ]
