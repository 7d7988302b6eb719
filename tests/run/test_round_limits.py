"""An agent's time limit of a round: events, incidents and the draft's section on time-outs tell it."""

from __future__ import annotations

from typing import Any

from conftest import SYNTHETIC_SAMPLES, material_of
from massgen_logs.report.closing import errors_section

WARNED = "time limit of the round passed"
REFUSED = "its calls are refused from here on"


def limits(ask, *place: str) -> list[tuple[str | None, bool]]:
    """(agent, hard) of each incident of a round's limit; the timeline has the same ones, with their places."""
    incidents = ask("find_errors", *place, key="incidents")["data"]["incidents"]
    found = [i for i in incidents if i["kind"] == "round_timeout"]
    events: list[dict[str, Any]] = ask("coordination_timeline", *place, key="events")["data"]["events"]
    told = [e for e in events if e["kind"] == "timeout" and "of the round" in e["detail"]]
    assert [(e["agent"], e["detail"], [e["where"]]) for e in told] == [
        (i["agent"], i["sentence"], i["sources"]) for i in found
    ]
    return [(i["agent"], REFUSED in i["sentence"]) for i in found]


def test_round_limits_are_told_once_an_execution(ask) -> None:
    """hook_denied: agent_a is warned once and has eight calls refused: one soft and one hard limit, and a draft's section."""
    sample = next(s for s in SYNTHETIC_SAMPLES if s.name == "hook_denied")
    assert limits(ask, *sample.place) == [("agent_a", False), ("agent_a", True)]
    section = "\n".join(errors_section(material_of(sample))["7. Errors & Issues/Timeouts"])
    assert WARNED in section
    assert REFUSED in section
    assert "None recorded" not in section


def test_round_limits_before_events_jsonl(copy_of, ask) -> None:
    """0.1.45: massgen.log names the agent; the second refused call is of the same limit, and a quoted line is none."""
    root = copy_of("s1_clean_0.1.45")
    (log,) = root.glob("log_*/turn_1/attempt_1/massgen.log")
    denied = "[RoundTimeoutPreHook] DENIED tool `mcp__x__y` for agent_b - grace period exceeded (6s / 4s), denial #"
    lines = [
        "[RoundTimeoutPostHook] Soft timeout reached for agent_b after 31s", f"{denied}1", f"{denied}2", f"Stream chunk [content]: {denied}1",
    ]  # fmt: skip
    with log.open("a") as file:
        file.write("".join(f"23:59:59 | INFO     | {line}\n" for line in lines))
    assert limits(ask, "--logs-dir", str(root)) == [("agent_b", False), ("agent_b", True)]
