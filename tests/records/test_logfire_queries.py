"""`logfire_queries`: the window, the trace and the limits that make a query find this run; values from s9's SCENARIO.md."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import captured
import pytest

from conftest import CORPUS
from massgen_logs.errors import MassgenLogError
from massgen_logs.tools import logfire_queries as module
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

S9 = str(CORPUS / "s9_logfire_0.1.97")
STARTED = datetime(2026, 11, 22, 11, 12, 21, tzinfo=UTC)
"""First agent's stream; 1795345941 in SCENARIO.md. The run lasted 18.6 s."""
LOG_PATH = "log_20261122_111220_908336/turn_1/attempt_1"


def asked(**more: Any) -> dict[str, Any]:
    return call(get("logfire_queries"), {"logs_dir": S9, **more}).json()["data"]  # type: ignore[return-value]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch):
    """Sets the time of asking."""

    def set_(to: datetime) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None) -> datetime:
                return to

        monkeypatch.setattr(module, "datetime", Clock)

    return set_


def test_the_window_is_around_the_run() -> None:
    """Ten minutes on each side of it, in every query, which is complete in itself: trace by log path, and a limit."""
    data = asked()
    assert (data["logfire"], data["window_start"], data["window_end"]) == (
        True, "2026-11-22T11:02:21Z", "2026-11-22T11:22:39Z",
    )  # fmt: skip
    assert len({query["id"] for query in data["queries"]}) == len(data["queries"]) > 5
    for query in data["queries"]:
        sql = query["sql"]
        assert "BETWEEN '2026-11-22T11:02:21Z' AND '2026-11-22T11:22:39Z'" in sql
        assert f"attributes->>'massgen.log_path' LIKE '%{LOG_PATH}%'" in sql
        assert re.search(r" LIMIT \d+$", sql)
        assert query["id"] == "trace" or "kind <> 'pending_span'" in sql


@pytest.mark.parametrize(
    ("asking", "minutes", "too_old"),
    [
        (datetime(2026, 11, 22, 11, 32, 21, tzinfo=UTC), 30, False),
        (datetime(2026, 11, 22, 12, 2, 50, tzinfo=UTC), 61, False),
        (datetime(2026, 12, 6, 11, 2, 0, tzinfo=UTC), 20160, False),
        (datetime(2026, 12, 6, 11, 3, 0, tzinfo=UTC), 20161, True),
    ],
)
def test_the_old_server_gets_the_age_in_minutes(now, asking: datetime, minutes: int, too_old: bool) -> None:
    """From the window's beginning, rounded up; a run of more than 14 days ago is told to be out of the hosted server's reach."""
    now(asking)
    data = asked()
    assert (data["age_minutes"], data["too_old"]) == (minutes, too_old)
    assert sum(f"age={minutes} " in line for line in data["call"]) == 1
    assert ("more than 14 days ago" in data["call"][0]) is too_old


def test_one_question_gives_one_query() -> None:
    """The same as among all; an unknown one is answered with those there are."""
    every = {query["id"]: query for query in asked()["queries"]}
    for question in every:
        assert asked(question=question)["queries"] == [every[question]]
    with pytest.raises(MassgenLogError, match="there are: trace, hierarchy"):
        asked(question="colours")


def test_the_trace_is_found_among_what_massgen_sent() -> None:
    """The run's own of two coordination.session spans, the other an orphan; another log's query finds neither."""
    (trace,) = asked(question="trace")["queries"]
    found = captured.database().execute(trace["sql"]).fetchall()
    assert len(found) == 1
    assert found[0][1] == pytest.approx(18.6, abs=0.1)
    other = trace["sql"].replace("log_20261122_111220_908336", "log_20261122_111220_908337")
    assert captured.database().execute(other).fetchall() == []


def test_a_run_without_logfire_says_so(corpus) -> None:
    """Before anybody asks Logfire for it."""
    data = call(get("logfire_queries"), {"logs_dir": str(corpus / "s1_clean_0.1.97")})
    assert data.data["logfire"] is False
    assert "NOT made with --logfire" in data.text()
