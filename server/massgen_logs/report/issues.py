"""Suggested Linear issues: rows from the findings, with ids that stay the same in later runs; and reading them back."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator

from msgspec import Struct

from massgen_logs.analysis.findings import Finding
from massgen_logs.report.figures import ISSUES, tables
from massgen_logs.report.language import canonical
from massgen_logs.report.material import Material
from massgen_logs.run.model import Run

_ID = re.compile(r"issue-[0-9a-f]{12}")
_NOTHING = frozenset({"", "-", "none", "none.", "n/a", "无", "无。", "没有"})
ABOUT = {
    "no_end": ("A run stopped without a recorded end", "orchestration"),
    "timed_out": ("The orchestrator's time limit ended a run", "performance"),
    "failed": ("A run failed without a final answer", "orchestration"),
    "live_lock": ("Votes are ignored again and again", "orchestration"),
    "misrecorded_vote": ("A vote is recorded for another agent than its words mean", "voting"),
    "tie": ("A tie is decided by order", "voting"),
    "own_vote_decided": ("An agent wins by its own vote", "voting"),
    "duplicate_answer": ("Duplicate answers are accepted", "agent-behavior"),
    "retries": ("Responses are retried repeatedly in a round", "agent-behavior"),
    "winner_not_top": ("The winner has fewer votes than another agent", "voting"),
    "unrelated_final": ("The presented answer has nothing to do with the winning one", "orchestration"),
    "votes_lost": ("Much of a run goes into votes that don't count", "performance"),
    "stall": ("An agent at work gives no sign for long", "performance"),
    "ignored_input": ("An answer takes up nothing of the answers its author saw", "agent-behavior"),
    "workspace_emptied": ("Commands fail since the workspace is emptied at an answer", "orchestration"),
    "content_lost": ("Refused responses throw content away", "orchestration"),
    "server_not_connected": ("MassGen fails to connect to MCP servers", "tooling"),
    "unknown_tools": ("Agents call tools that don't exist", "agent-behavior"),
    "agent_died": ("An agent ends with an error", "reliability"),
    "error_loop": ("An agent repeats the same error", "reliability"),
    "not_delivered": ("Recorded injections never reach the model", "orchestration"),
    "stored_final": ("The presented answer is only the stored one", "orchestration"),
    "silent_subagent": ("A sub-agent completes without a model call", "reliability"),
    "stuck_on_failure": ("A failing command is repeated without a change", "agent-behavior"),
    "repeated_command": ("A command is repeated by one agent", "performance"),
    "again_after_restart": ("Work is done again after a restart", "performance"),
    "false_success": ("Failed tool calls are recorded as successes", "tooling"),
    "hidden_by_pipe": ("A pipe hides failing commands", "tooling"),
    "failure_before_end": ("Agents answer or vote right after a failed command", "agent-behavior"),
    "answered_without_tools": ("An agent answers without running a tool", "agent-behavior"),
    "refused_work": ("Tool calls are refused and never run", "tooling"),
    "planted_followed": ("An agent did what a text in its material ordered", "security"),
    "planted_orders": ("A text in the run gives orders to its reader", "security"),
}
"""Rule to title and area label; a rule without an entry is titled by its id."""
_OF_A_COMMAND = frozenset({"stuck_on_failure", "repeated_command"})
"""Rules whose subject is an agent and a command: the command tells the issue, whichever agent ran it."""

_LINEAR = {"high": 2, "medium": 3, "low": 4}


class SuggestedIssue(Struct, frozen=True):
    """A row of section 9. id: of the rule and its subject, see `finding_id`; for a row of the analyst's own, of its words."""

    id: str
    priority: str
    title: str
    description: str
    labels: list[str]


class LinearIssue(Struct, frozen=True):
    """A row of section 9 as Linear's MCP server takes it; only the team is the user's to choose.

    id: stands in the description too, so that a search in Linear finds the issue again. priority: Linear's, 2 high,
    3 medium, 4 low, 0 none.
    """

    id: str
    title: str
    description: str
    project: str
    labels: list[str]
    priority: int


def payloads(m: Material) -> list[LinearIssue]:
    """Of each row of `proposed`: what to create in Linear once the user has approved it."""
    found = m.mask(
        f"{m.run.session}, turn {m.run.turn}, attempt {m.run.attempt}, MassGen {m.run.version or 'of unknown version'}"
    )
    return [
        LinearIssue(
            row.id, row.title, f"{row.description}\n\nFound in {found}. Finding {row.id} of massgen-log-analyzer.", "MassGen",
            row.labels, _LINEAR.get(canonical(row.priority), 0),
        )
        for row in proposed(m)
    ]  # fmt: skip


def proposed(m: Material) -> list[SuggestedIssue]:
    """One row for each rule, and command, that found something; the most severe first, equal ones joined."""
    rows: dict[str, list[Finding]] = {}
    for finding in m.findings:
        if finding.severity != "info":  # a good sign is nothing to mend
            rows.setdefault(finding_id(m.run, finding), []).append(finding)
    return [_row(m, id_, same) for id_, same in rows.items()]


def _row(m: Material, id_: str, same: list[Finding]) -> SuggestedIssue:
    first, say = same[0], m.say
    title, area = ABOUT.get(first.rule, (first.rule.replace("_", " "), "agent-behavior"))
    subject = m.mask(_subject(m.run, first))
    where = f" [{first.evidence[0]}]" if first.evidence else ""
    more = " " + say("And {n} more like it.", n=len(same) - 1) if len(same) > 1 else ""
    named = f"{say(title)}: `{subject[:60]}`" if subject else say(title)
    return SuggestedIssue(
        id_, say(first.severity.capitalize()), named, f"{_upper(m.mask(first.sentence))}{where}.{more}", ["log-analysis", area],
    )  # fmt: skip


def _upper(sentence: str) -> str:
    named = re.match(r"\S*[_.\d]", sentence)  # an agent's id, or a label
    return sentence if named else sentence[:1].upper() + sentence[1:]


def finding_id(run: Run, finding: Finding) -> str:
    """A stable id: sha256 of the rule and, for rules about a command, the command without digits and surplus blanks.

    Agents, labels and wording are left out: in a later run another agent may do the same.
    """
    command = re.sub(r"\d+", "#", " ".join(_subject(run, finding).split()))
    return _hashed(f"{finding.rule}\n{command}")


def _subject(run: Run, finding: Finding) -> str:
    """The command of a finding about one, without the agent that stands before it in the finding's id."""
    if finding.rule not in _OF_A_COMMAND:
        return ""
    subject = finding.id.removeprefix(f"{finding.rule}:")
    names = [name for name in run.agents if subject.startswith(f"{name}.")]
    return subject.removeprefix(f"{max(names, key=len)}.") if names else subject


def suggested_issues(content: str) -> list[SuggestedIssue]:
    """The rows of section 9's table, in either language; a row without a title is none.

    A row keeps the id that it has; one without, or with the id of a row before it, gets that of its title and labels.
    """
    found: dict[str, SuggestedIssue] = {}
    for _, _, _, issue in _rows(content):
        found.setdefault(issue.id, issue)
    return list(found.values())


def with_ids(content: str) -> str:
    """The report with its id in each row of section 9's table."""
    lines = content.split("\n")
    for number, names, cells, issue in _rows(content):
        at = names.index("id") if "id" in names else len(names)
        if at < len(names) and (cells[at : at + 1] or [""])[0].strip("` ") != issue.id:
            told = [*cells, *[""] * (len(names) - len(cells))]
            told[at] = issue.id
            lines[number - 1] = "|" + "|".join(cell.replace("|", "\\|") for cell in told) + "|"
    return "\n".join(lines)


def _rows(content: str) -> Iterator[tuple[int, list[str], list[str], SuggestedIssue]]:
    """(line, names of the columns, cells, issue)."""
    seen = set[str]()
    for table in tables(content):
        names = [canonical(name) for name in table.header]
        if not table.place.startswith(ISSUES) or "title" not in names:
            continue
        for number, cells in table.rows:
            row = dict(zip(names, cells, strict=False))
            title = re.sub(r"[*`]", "", row.get("title", "")).strip()
            if title.lower() in _NOTHING:
                continue
            labels = [part.strip(" `") for part in re.split(r"[,;、，；]", row.get("labels", row.get("label", "")))]
            labels = list(dict.fromkeys(label for label in labels if label))
            given = row.get("id", "").strip("` ")
            id_ = given if _ID.fullmatch(given) and given not in seen else issue_id(title, labels)
            seen.add(id_)
            yield (
                number,
                names,
                cells,
                SuggestedIssue(id_, row.get("priority", ""), title, row.get("description", ""), labels),
            )


def issue_id(title: str, labels: Iterable[str]) -> str:
    """A stable id of a row without one: sha256 of the title (letters and digits, folded) and the sorted labels."""
    return _hashed("\n".join([_fold(title), *sorted({_fold(label) for label in labels})]))


def _hashed(text: str) -> str:
    return "issue-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _fold(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).split())
