"""What an agent reads for the whole standard analysis of one run, in tokens of four characters."""

from __future__ import annotations

import json
import re
from pathlib import Path

from massgen_logs.mcp_server import INSTRUCTIONS
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import NAMES, get

ROOT = Path(__file__).parent.parent
_WORKFLOW = ("list_logs", "run_overview", "draft_report", "vote_reasons")
_ALSO = ("read_trace", "write_report")
_PREFIX = "mcp__plugin_massgen-log-analyzer_massgen-logs__"
"""Before each tool's name in Claude Code, which shows all names at once and a schema when it is asked for it."""
_REST = re.compile(r"the rest: (.+)")
_CALL = re.compile(r"(\w+)(?:\(([^)]*)\))?")
_READ = (
    "status.json", "metrics_summary.json", "coordination_events.json", "coordination_table.txt", "execution_metadata.yaml",
    "agent_*/*/vote.json", "agent_*/*/execution_trace.md", "final/*/answer.txt",
)  # fmt: skip
"""The skill's "Key Local Log Files", and the traces that it says to read for each agent (all but those copied elsewhere)."""


def ours(log: Path) -> float:
    """SKILL.md and the two guides of its workflow, the server's instructions, all tools' names, one default answer of each tool of the
    workflow and of those that the draft names where it cuts a table, the schemas of these, and a page of each agent's trace."""
    texts = [(ROOT / "SKILL.md").read_text(), INSTRUCTIONS, *(_PREFIX + name for name in NAMES)]
    texts += [(ROOT / "skill_assets" / name).read_text() for name in ("reading-evidence.md", "report-guide.md")]
    answers = {name: _answer(log, name) for name in _WORKFLOW}
    for name, arguments in dict.fromkeys(
        found for line in _REST.findall(answers["draft_report"]) for found in _CALL.findall(line)
    ):
        if name not in NAMES or name == "read_trace":
            continue
        own = {
            key: json.loads(value) for key, _, value in (part.partition("=") for part in arguments.split(", ") if part)
        }
        answers[f"{name}({arguments})"] = _answer(log, name, **own)
    agents = sorted(
        p.name for p in (log / "turn_1" / "attempt_1").glob("agent_*") if p.is_dir() and p.name != "agent_outputs"
    )
    schemas = {name.partition("(")[0] for name in answers} | {*_ALSO}
    texts += [json.dumps(json.loads((ROOT / "tests" / "snapshots" / f"{name}.json").read_text())) for name in schemas]
    texts += [*answers.values(), *(_answer(log, "read_trace", agent=agent) for agent in agents)]
    return sum(map(len, texts)) / 4


def draft(log: Path) -> float:
    """What an agent need not write: the measured part of the report, which write_report puts in."""
    return len(call(get("draft_report"), {"logs_dir": str(log.parent), "log": log.name}).data["markdown"]) / 4


def _answer(log: Path, name: str, **arguments: object) -> str:
    own = {"logs_dir": str(log.parent)} | ({} if name == "list_logs" else {"log": log.name})
    return call(get(name), own | arguments).text()


def theirs(log: Path, skill: Path) -> float:
    """MassGen's skill and the files that it says to read; of a streaming_debug.log the 30 lines of its pipeline."""
    attempt = log / "turn_1" / "attempt_1"
    paths = [path for pattern in _READ for path in sorted(attempt.glob(pattern))]
    return (len(skill.read_text()) + sum(len(path.read_text(errors="replace")) for path in paths)) / 4
