"""What an agent reads for the whole standard analysis of one run, in tokens of four characters."""

from __future__ import annotations

import json
from pathlib import Path

from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

ROOT = Path(__file__).parent.parent
_WORKFLOW = (
    "list_logs", "run_overview", "coordination_timeline", "vote_reasons", "time_breakdown", "repeated_commands", "duplicated_work",
    "answer_progression", "find_errors", "read_status_reliability", "cost_and_tokens", "draft_report",
)  # fmt: skip
_READ = (
    "status.json", "metrics_summary.json", "coordination_events.json", "coordination_table.txt", "execution_metadata.yaml",
    "agent_*/*/vote.json", "agent_*/*/execution_trace.md", "final/*/answer.txt",
)  # fmt: skip
"""The skill's "Key Local Log Files", and the traces that it says to read for each agent (all but those copied elsewhere)."""


def ours(log: Path) -> float:
    """SKILL.md and the two guides of its workflow, the tools' schemas, one default answer of each tool of the workflow, and a page of
    each agent's trace."""
    texts = [(ROOT / "SKILL.md").read_text()]
    texts += [(ROOT / "skill_assets" / name).read_text() for name in ("reading-evidence.md", "report-guide.md")]
    texts += [json.dumps(json.loads(path.read_text())) for path in (ROOT / "tests" / "snapshots").glob("*.json")]
    for name in _WORKFLOW:
        own = {"logs_dir": str(log.parent)} | ({} if name == "list_logs" else {"log": log.name})
        texts.append(call(get(name), own).text())
    agents = sorted(
        p.name for p in (log / "turn_1" / "attempt_1").glob("agent_*") if p.is_dir() and p.name != "agent_outputs"
    )
    texts += [
        call(get("read_trace"), {"logs_dir": str(log.parent), "log": log.name, "agent": agent}).text()
        for agent in agents
    ]
    return sum(map(len, texts)) / 4


def theirs(log: Path, skill: Path) -> float:
    """MassGen's skill and the files that it says to read; of a streaming_debug.log the 30 lines of its pipeline."""
    attempt = log / "turn_1" / "attempt_1"
    paths = [path for pattern in _READ for path in sorted(attempt.glob(pattern))]
    return (len(skill.read_text()) + sum(len(path.read_text(errors="replace")) for path in paths)) / 4
