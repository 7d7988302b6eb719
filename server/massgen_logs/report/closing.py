"""The later sections of a draft: cost, errors, recommendations and the appendix."""

from __future__ import annotations

from massgen_logs.analysis.costs import costs
from massgen_logs.analysis.errors import find_errors
from massgen_logs.analysis.phases import tools
from massgen_logs.analysis.reliability import reliability
from massgen_logs.report.language import Say
from massgen_logs.run.model import Run
from massgen_logs.text.clean import flat, inline
from massgen_logs.text.table import counts, dollars, seconds, table


def costs_section(run: Run, most: int, say: Say) -> dict[str, list[str]]:
    """Section 6."""
    spent = costs(run)
    section = "6. Cost & Token Analysis"
    body = [say("This version records no tokens and no cost: unknown, not zero.")]
    cache = [say("Not recorded.")]
    if spent.recorded:
        rows = [
            (
                name,
                a.input_tokens,
                a.output_tokens,
                a.reasoning_tokens,
                say("unknown") if a.cost_usd is None else dollars(a.cost_usd),
            )
            for name, a in [*spent.agents.items(), (say("**Total**"), spent.total)]
        ]
        body = table(say.header("Agent", "Input Tokens", "Output Tokens", "Reasoning", "Cost"), rows)
        body += [
            say(
                "\nCorrected {name}: input {input}, output {output} ({why}).",
                name=name,
                input=a.corrected.input_tokens,
                output=a.corrected.output_tokens,
                why=a.corrected.why,
            )
            for name, a in spent.agents.items()
            if a.corrected
        ]
        body += [say("\nThe figures include {over}.", over=spent.over)] if spent.cumulative else []
        total, cached = spent.total.input_tokens, spent.total.cached_input_tokens
        if total and cached is not None:
            cache = [
                say(
                    "Cached input tokens: {cached} ({rate}% cache hit rate)",
                    cached=cached,
                    rate=f"{100 * cached / total:.1f}",
                )
            ]
    rows_tools = [
        (t.tool, t.calls, seconds(t.seconds), say("{n} failed", n=t.failed) if t.failed else "")
        for t in tools(run)[:most]
    ]
    return {
        f"{section}/Cost Breakdown": body,
        f"{section}/Cache Efficiency": cache,
        f"{section}/Tool Cost Impact": table(say.header("Tool", "Calls", "Time (s)", "Notes"), rows_tools)
        if rows_tools
        else [say("No tool calls.")],
    }


def errors_section(run: Run, most: int, say: Say) -> dict[str, list[str]]:
    """Section 7."""
    errors = [m for m in run.moments if m.kind == "error"]
    api = [m for m in errors if "Error" in m.detail]
    failed = [c for c in run.calls if c.outcome in {"failed", "denied", "not_run"}]
    shown = [
        f"- {c.agent} {c.tool} {inline(c.command or '', 70) if c.command else ''} {c.outcome}"
        f"{f' exit {c.exit_code}' if c.exit_code is not None else ''}: {inline(c.error or '', 16 * most)} [{c.src}]"
        for c in failed[:most]
    ]
    agents = list(dict.fromkeys(f"- {m.agent or '?'}: {flat(m.detail, 160)}" for m in errors if m not in api))
    found = reliability(run)
    refused = [
        say(
            "- {agent}: {incidents}, {lost} characters lost",
            agent=n,
            incidents=counts(a.incidents),
            lost=a.buffer_chars_lost_distinct,
        )
        for n, a in found.agents.items()
        if a.incidents
    ]
    contract = find_errors(run)
    told = [
        say(
            "{failed} failed calls that MassGen calls success, {hidden} that hid an error; the same input gave different results {unequal} times (find_errors).",
            failed=contract.false_successes, hidden=contract.totals.get("hidden_failure", 0), unequal=len(contract.different),
        )
    ] if contract.tools else []  # fmt: skip
    section = "7. Errors & Issues"
    return {
        f"{section}/Exceptions": list(
            dict.fromkeys(f"- {m.agent or '?'}: {flat(m.detail, 160)} [{m.src}]" for m in api)
        )[:most]
        or [say("None recorded.")],
        f"{section}/Failed Tool Calls": [*shown, *say.rest(len(shown), len(failed), "repeated_commands(min_count=1)")]
        or [say("None.")],
        f"{section}/Agent Errors": agents[:most] + say.rest(most, len(agents), "coordination_timeline")
        or [say("None recorded.")],
        f"{section}/Timeouts": [f"- {run.ending.reason} [{run.ending.src}]"]
        if run.ending.state == "timed_out"
        else [say("None recorded.")],
        f"{section}/+Tool Reliability": [
            *told,
            say.judge("same input with different output, false successes, likely root causes"),
        ],
        f"{section}/+Enforcement": (refused or [say("None recorded.")])
        if found.recorded
        else [say("This version keeps no record of refused responses.")],
    }


def end_section(run: Run, files: list[str], say: Say) -> dict[str, list[str]]:
    """Sections 8, 9 and the appendix; files: lines for the files of the final workspace."""
    settings = [("timeout_s", run.timeout_s), *run.config.items()]
    config = [f"- {flat(key, 60)}: {flat(value, 100)}" for key, value in settings if value is not None]
    agents = [
        say(
            "- {id}: backend {backend}, model {model}",
            id=a.id,
            backend=a.backend or say("not recorded"),
            model=a.model or say("not recorded"),
        )
        for a in run.agents.values()
    ]
    limits = [
        f"- {flat(note.text, 240)}"
        for note in run.notes
        if note.id in {"backend", "version_unknown", "no_agent", "unknown_backend"}
    ]
    unknown = (
        []
        if run.enforcement is not None
        else [say("- responses that MassGen refused (no enforcement record in this version)")]
    )
    unknown += [] if run.usage else [say("- tokens and cost")]
    unknown += [] if run.votes_ignored is not None else [say("- how many votes were ignored")]
    unknown += [] if run.denied_recorded else [say("- tool calls that the client itself refused")]
    missing = [say("- missing files: {files}", files=", ".join(run.missing))] if run.missing else []
    return {
        "8. Recommendations/High Priority": [say.judge("1. issue: what to do about it; or: none")],
        "8. Recommendations/Medium Priority": [say.judge("as above")],
        "8. Recommendations/Low Priority / Future Improvements": [say.judge("as above")],
        "9. Suggested Linear Issues": [
            *table(say.header("Priority", "Title", "Description", "Labels"), []),
            say.judge("rows; labels: log-analysis and an area. Created only after the user's approval"),
        ],
        "Appendix/Configuration Used": [*agents, *config[:12]],
        "Appendix/Files Generated": files or [say("No files in the final workspace.")],
        "Appendix/+What Was Not Recorded": [*unknown, *limits, *missing] or [say("Nothing known to be missing.")],
    }  # fmt: skip
