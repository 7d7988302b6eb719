"""A draft says where its figures are floors and which files were never written, the same in every place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get


def draft(root: Path) -> str:
    return call(get("draft_report"), {"logs_dir": str(root)}).text()


def test_a_failed_run_lacks_what_is_written_at_the_end(copy_of) -> None:
    """s6 was killed; with the orchestrator's last error it failed, and its end files are missing as before."""
    root = copy_of("s6_killed_0.1.97")
    log = next(root.rglob("massgen.log"))
    last = log.read_text().rstrip("\n").rsplit("\n", 1)[-1][:8]
    words = "[ERROR] orchestrator: 🤖 Unable to provide coordinated answer - no successful agents"
    log.write_text(log.read_text() + f"{last} | ERROR    | {words}\n")
    assert call(get("list_logs"), {"logs_dir": str(root)}).data["logs"][0]["state"] == "failed"
    said = "**Missing:** what MassGen writes only at the end of a run (coordination_events.json, metrics, final/)"
    assert said in draft(root)


def test_the_cost_tables_total_is_a_floor_too(copy_of) -> None:
    """agent_b's cost is recorded as 0 beside its tokens, which is no price."""
    root = copy_of("s1_clean_0.1.97")
    for file in (next(root.rglob("status.json")), next(root.rglob("metrics_summary.json"))):
        data = json.loads(file.read_text())
        data["agents"]["agent_b"]["token_usage"]["estimated_cost"] = 0.0
        file.write_text(json.dumps(data))
    (total,) = [line for line in draft(root).splitlines() if line.startswith("|**Total**|")]
    assert total.endswith(" (a floor)|")


def test_a_list_tells_turns_and_not_their_number(copy_of) -> None:
    """A log that holds turn 2 alone, as --continue may leave it."""
    root = copy_of("s1_clean_0.1.97")
    first = next(root.glob("log_*/turn_1"))
    shutil.move(first, first.with_name("turn_2"))
    text = call(get("list_logs"), {"logs_dir": str(root)}).text()
    assert "|log|state|report|which turns|" in text
    assert "|finished|no|2|" in text
