"""The first section of a draft: what the figures rest on, which of them are not exact, and what no file records."""

from __future__ import annotations

from massgen_logs.report.material import Material
from massgen_logs.text.clean import flat
from massgen_logs.text.table import table

QUALITY = "Data Quality"
NOT_EXACT = frozenset({
    "floor", "cumulative", "doubled_usage", "unpriced", "overwritten_rounds", "unrecorded_usage", "lost_events", "open_calls", "redacted", "subagents",
    "superseded", "stated_votes", "ignored_unknown", "unfinished",
})  # fmt: skip
"""Notes on figures: floors, doubled, unpriced or cumulative ones."""
CONTRADICTED = frozenset({"status_stale", "winner_null", "emptied_by_restart", "complete_too_early", "split_turn"})
"""Notes on files that say what others disprove."""
NOT_RECORDED = frozenset({"version_unknown", "no_agent", "no_calls", "backend", "unknown_backend"})
"""Notes on what this version or backend doesn't write."""


def quality_section(m: Material) -> dict[str, list[str]]:
    """Files seen and missing, figures that are not exact, contradictions, and what is not recorded."""
    run, say = m.run, m.say
    seen = sorted([*run.sources, *m.stderr], key=lambda source: -source.unreadable)
    shown = seen[: m.most + 6]
    bad = run.problems[: m.most]
    return {
        QUALITY: [
            *(table(say.header("File", "Rows", "Unreadable"), [(s.file, s.rows, s.unreadable) for s in shown]) if seen else
              [say("No file of this attempt could be read.")]),
            *say.rest(len(shown), len(seen), 'find_errors(part="sources")'),
            "",
            say("**Missing:** {files}", files="; ".join(_missing(m)) or say("none")),
            *_list(m, say("**Unreadable:**"), [f"{p.file}:{p.line or '-'} {m.quote(p.what, 120)}" for p in bad], len(run.problems)),
            *_list(m, say("**Figures that are not exact:**"), _not_exact(m)),
            *_list(m, say("**Files that others disprove:**"), [n.text for n in run.notes if n.id in CONTRADICTED]),
            *_list(m, say("**Not recorded:**"), not_recorded(m)),
        ],
    }  # fmt: skip


def _missing(m: Material) -> list[str]:
    found = [flat(", ".join(m.run.missing), 400)] if m.run.missing else []
    unended = m.run.ending.state in {"unfinished", "in_progress", "failed"}
    if unended and not any(source.file == "coordination_events.json" for source in m.run.sources):
        found.append(m.say("what MassGen writes only at the end of a run (coordination_events.json, metrics, final/)"))
    return found


def _list(m: Material, title: str, rows: list[str], total: int | None = None) -> list[str]:
    """A title and its rows; a run without any says so."""
    if not rows:
        return ["", f"{title} {m.say('none')}"]
    return [
        "",
        title,
        *(f"- {flat(m.mask(row), 240)}" for row in rows),
        *m.say.rest(len(rows), total or len(rows), 'run_overview(part="problems")'),
    ]


def _not_exact(m: Material) -> list[str]:
    found = [note.text for note in m.run.notes if note.id in NOT_EXACT]
    if m.spent.recorded and m.spent.total.floor:
        found.append(m.say("total cost: a floor ({why})", why=cost_floor(m)))
    if m.times.floor and m.times.total_s is not None:
        found.append(m.say("duration and shares of it: counted to the last record of any file"))
    return found


def cost_floor(m: Material) -> str:
    """Why the cost is a floor."""
    unpriced = [name for name, cost in m.spent.agents.items() if cost.cost_usd is None]
    part = [name for name, usage in m.run.usage.items() if usage.floor and name not in unpriced]
    why = [m.say("no cost recorded for {agents}", agents=", ".join(unpriced))] if unpriced else []
    why += [m.say("a part of {agents} has no price", agents=", ".join(part))] if part else []
    why += [m.say("MassGen began again in this attempt, which no figure holds")] if len(m.run.begun) > 1 else []
    why += [m.say("the run did not finish")] if m.run.ending.state != "finished" else []
    return "; ".join(why)


def not_recorded(m: Material) -> list[str]:
    """What no file of this run tells, each thing once."""
    run, say = m.run, m.say
    found = [note.text for note in run.notes if note.id in NOT_RECORDED]
    found += [] if run.usage else [say("tokens and cost")]
    found += [] if run.votes_ignored is not None else [say("how many votes were ignored")]
    unknown = [agent.id for agent in run.agents.values() if agent.restarts is None]
    found += [say("MassGen's count of restarts ({agents})", agents=", ".join(unknown))] if unknown else []
    return [*found, *(say.told(text) for text in (*m.errors.not_shown, *m.times.not_measurable))]
