"""What was tried again, and what was not: a failure that ended its agent, and a server whose set-up failed, are no retries."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from conftest import CORPUS
from massgen_logs.analysis.errors import find_errors
from massgen_logs.analysis.findings import findings
from massgen_logs.analysis.reliability import reliability
from massgen_logs.run.load import load
from massgen_logs.run.model import Enforcement, Execution, Moment, Run
from massgen_logs.run.stderr import Stderr
from massgen_logs.tree import find_root, resolve


def run_with(**fields: Any) -> Run:
    """The run of s2_three_agents_0.1.97 with nothing of agents but the given fields."""
    base = load(resolve(find_root(str(CORPUS / "s2_three_agents_0.1.97"))))
    empty: dict[str, Any] = {"calls": [], "moments": [], "enforcement": {}, "refused_told": None}
    return replace(base, **{**empty, **fields})


def refused(reason: str, attempt: int, n: int, error: str = "") -> Enforcement:
    return Enforcement(0, attempt, 3, reason, (), error, None, 0, 100.0 + n, f"status.json#{n}")


def failed_api(attempts: int) -> tuple[Enforcement, ...]:
    """Each failure as two events, but the fatal one."""
    pairs = [(reason, attempt) for attempt in range(1, attempts + 1) for reason in ("api_error", "no_tool_calls")]
    return tuple(
        refused(reason, attempt, n) for n, (reason, attempt) in enumerate(pairs[: 5 if attempts == 3 else None])
    )


def test_three_tries_are_two_retries() -> None:
    run = run_with(enforcement={"alpha": failed_api(3), "mid": failed_api(2)})
    found = reliability(run)
    assert found.red_flags == [
        "alpha needed 2 retries in round 0 (2 API errors)",
        "mid needed 2 retries in round 0 (2 API errors)",
    ]
    alpha, mid = found.agents["alpha"], found.agents["mid"]
    assert (alpha.incidents, alpha.retries) == ({"api_error": 3}, 2)
    assert (mid.incidents, mid.retries) == ({"api_error": 2}, 2)


def test_an_error_that_is_tried_again_is_no_new_start() -> None:
    """Three tries within one execution are no loop; one failure in each of three executions is."""
    words = "Error: Connection error."
    errors = [Moment(101.0 + 10 * n, "error", "alpha", words, f"events.jsonl:{n}") for n in range(3)]
    starts = [Execution("alpha", n, 100.0 + 10 * n, 0, (), "", f"events.jsonl:{n}") for n in range(3)]

    def loops(executions: list[Execution]) -> list[str]:
        found = findings(run_with(moments=errors, executions=executions))
        return [one.sentence for one in found if one.rule == "error_loop"]

    assert loops(starts[:1]) == []
    assert loops(starts) == [f"alpha was started again and again into the same error, 3 times: {words}"]


def test_a_server_whose_set_up_failed_refused_nothing() -> None:
    """MassGen records it among the refused responses; the response went on without the server's tools."""
    words = "⚠️ [MCP] Setup failed or no tools available; continuing without MCP"
    events = tuple(refused("mcp_disconnected", 1, n, words) for n in range(3))
    run = run_with(enforcement={"alpha": (*events, refused("no_tool_calls", 1, 3))})
    found = reliability(run)
    assert (found.red_flags, found.agents["alpha"].retries) == ([], 1)
    assert found.agents["alpha"].recorded == {"mcp_disconnected": 3, "no_tool_calls": 1}
    assert found.agents["alpha"].incidents == {"no_tool_calls": 1}
    errors = find_errors(run, Stderr())
    assert errors.totals == {"server_set_up": 3, "refused_response": 1}
    assert [one.sentence for one in errors.incidents if one.kind == "server_set_up"] == [words]


def test_one_row_tells_in_which_rounds_its_incidents_were() -> None:
    """Two responses without a tool call, in rounds 0 and 1."""
    again = replace(refused("no_tool_calls", 1, 40), round=1)
    (row,) = find_errors(run_with(enforcement={"alpha": (refused("no_tool_calls", 1, 1), again)}), Stderr()).incidents
    assert (row.count, row.round, row.round_last) == (2, 0, 1)
