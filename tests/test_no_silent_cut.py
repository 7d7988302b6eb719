"""Nothing is cut silently: pages are the whole, also of a log that changes between them, and every shortened list says where
the rest is."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conftest import ALL_SAMPLES, CORPUS, CORPUS_SAMPLES, Sample, pages, sample_id
from massgen_logs.errors import MassgenLogError
from massgen_logs.text.clean import cell, flat
from massgen_logs.text.page import Page
from massgen_logs.tools.base import Answer, call
from massgen_logs.tools.registry import NAMES, get

LISTS = {
    "coordination_timeline": "events",
    "repeated_commands": "commands",
    "vote_reasons": "votes",
    "time_breakdown": "executions",
    "duplicated_work": "groups",
    "answer_progression": "answers",
    "find_errors": "incidents",
}
"""The tools whose answer is one page of a list, and the list's key."""
READING = [name for name in NAMES if get(name).parts and name != "compare_runs"]
LARGE = next(s for s in CORPUS_SAMPLES if s.name == "s13b_large_agent_dead_0.1.97")


def extra(tool: str) -> dict[str, Any]:
    return {"min_count": 1} if tool == "repeated_commands" else {}


def rows_of(tool: str, arguments: dict[str, Any], key: str) -> list[Any]:
    """All rows, page by page."""
    rows: list[Any] = []
    answers = answers_of(tool, arguments)
    for answer, page in answers:
        assert (page.first, page.shown) == (len(rows), len(answer.data[key]))
        rows += answer.data[key]
    assert answers[-1][1].total == len(rows)
    return rows


def answers_of(tool: str, arguments: dict[str, Any]) -> list[tuple[Answer, Page]]:
    """All answers with their pages, of which none says that the log changed."""

    def read(cursor: str | None) -> tuple[tuple[Answer, Page], str | None]:
        answer = call(get(tool), {**arguments, "cursor": cursor})
        assert answer.page is not None
        assert not answer.page.changed
        return (answer, answer.page), answer.page.next_cursor

    return pages(read)


@pytest.mark.parametrize("tool", LISTS)
@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)  # the tools of one run together: it is read once
def test_pages_of_any_limit_are_the_whole(tool: str, sample: Sample, figure) -> None:
    """Each row once and in order, whatever the limit; the parts that hold lists are whole too."""
    arguments = {**sample.arguments, **extra(tool)}
    whole = rows_of(tool, arguments, LISTS[tool])
    for limit in (1, 3) if sample is not LARGE else (17,):
        assert rows_of(tool, {**arguments, "limit": limit}, LISTS[tool]) == whole
    rows = rows_of(tool, {**arguments, "part": LISTS[tool], "limit": 4}, "rows")
    assert rows == whole
    figure("pages", "{lists} lists read page by page, {lost} rows lost or told twice", lists=1, lost=0)


@pytest.mark.parametrize("agent", ["agent_a", "agent_b"])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_pages_of_a_trace_are_the_whole(agent: str, limit: int) -> None:
    """Pieces that are longer than a page are told in several; put together they are the piece."""
    arguments = {**LARGE.arguments, "agent": agent, "kind": "call", "contains": "gen_report"}
    told: dict[int, str] = {}
    answers = answers_of("read_trace", {**arguments, "limit": limit})
    for answer, _ in answers:
        for item in answer.data["items"]:
            told[item["index"]] = told.get(item["index"], "") + item["text"] + (item["result"] or "")
    total = answers[-1][1].total
    assert list(told) == list(range(1, total + 1))
    once = call(get("read_trace"), {**arguments, "limit": 1, "cursor": str(total - 1)}).data["items"][0]
    assert told[once["index"]].startswith(once["text"][:200])


def test_a_log_that_grew_keeps_its_pages(copy_of) -> None:
    """A later event is on a later page, and no page says that anything before it changed."""
    root = copy_of("s6_killed_0.1.97")
    file = next(root.glob("*/turn_1/attempt_1/events.jsonl"))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-2]))
    first = call(get("coordination_timeline"), {"logs_dir": str(root), "limit": 2})
    file.write_bytes(b"".join(lines))
    second = call(
        get("coordination_timeline"), {"logs_dir": str(root), "cursor": first.page and first.page.next_cursor}
    )
    assert second.page is not None
    assert not second.page.changed
    whole = call(get("coordination_timeline"), {"logs_dir": str(root)}).data["events"]
    assert first.data["events"] + second.data["events"] == whole


def test_a_page_says_that_the_rows_before_it_changed(copy_of) -> None:
    """An earlier line was rewritten between two pages: the second does not continue the first, and says so."""
    root = copy_of("s1_clean_0.1.97")
    arguments = {"logs_dir": str(root), "min_count": 1, "limit": 3}
    first = call(get("repeated_commands"), arguments)
    file = next(root.glob("*/turn_1/attempt_1/events.jsonl"))
    file.write_text(file.read_text().replace("npm install", "npm ci"))
    second = call(get("repeated_commands"), {**arguments, "cursor": first.page and first.page.next_cursor})
    assert second.page is not None
    assert second.page.changed
    assert "CHANGED since the page before" in second.text()
    assert second.json()["page"]["changed"] is True  # type: ignore[index]


def test_new_logs_and_reports_shift_no_page_of_the_list(tmp_path: Path) -> None:
    """Between two pages a log appears, and a report takes another out of the filtered list: each old log still once."""
    root = tmp_path / "logs"
    source = next((CORPUS / "s1_clean_0.1.12").glob(".massgen/massgen_logs/log_*"))
    names = [f"log_2026010{n}_000000_000000" for n in range(1, 7)]
    for name in names:
        shutil.copytree(source, root / name)
    arguments = {"logs_dir": str(root), "limit": 2, "analyzed": False}
    first = call(get("list_logs"), arguments)
    shutil.copytree(source, root / "log_20260201_000000_000000")
    shutil.copytree(source, root / "log_20260202_000000_000000")
    (root / names[-1] / "turn_1" / "ANALYSIS_REPORT.md").write_text("x")
    second = call(get("list_logs"), {**arguments, "limit": 10, "cursor": first.page and first.page.next_cursor})
    seen = [log["session"] for answer in (first, second) for log in answer.data["logs"]]
    assert seen == names[::-1]
    assert second.page is not None
    assert second.page.changed


SPECIFIC = ("id", "where", "src", "command", "sentence")
SHOWN_BY = {
    ("answer_progression", "answers"): "- {label} {agent} ",
    ("coordination_timeline", "events"): "|{kind}|{agent}|",
    ("cost_and_tokens", "agents"): "|{name}|",
    ("cost_and_tokens", "rounds"): "|{agent} {round}|{type}|",
    ("duplicated_work", "by_kind"): "{kind} {repeats} repeats",
    ("find_errors", "different"): "{command}",
    ("find_errors", "incidents"): "{sentence}",
    ("find_errors", "tools"): "|{tool}|{calls}|",
    ("read_status_reliability", "agents"): "|{name}|",
    ("repeated_commands", "commands"): "|{command}",
    ("repeated_commands", "longest_output"): "`{command}",
    ("repeated_commands", "slowest"): "`{command}",
    ("run_overview", "agent_rows"): "|{id}|{backend}|",
    ("run_overview", "findings"): "{sentence}",
    ("run_overview", "red_flags"): "{text}",
    ("run_overview", "restart_costs"): "{agent} after ",
    ("time_breakdown", "critical_path"): "{agent} {execution} ",
    ("time_breakdown", "executions"): "|{agent} {execution}|",
    ("time_breakdown", "rounds"): "|{phase}|{count}|",
    ("time_breakdown", "slowest_rounds"): "{what}",
    ("time_breakdown", "tools"): "|{tool}|",
    ("time_breakdown", "wall_phases"): "|{ended_with}|",
    ("vote_reasons", "votes"): "- {voter} → {voted_for} ",
}
"""What a text has of each row of a list, where that is not the first of SPECIFIC that the row holds, else its longest text."""
NOTHING = {"execution": "presentation", "voted_for": "?"}
"""What a text has for a value that isn't there, if that is no hyphen."""


def shortened(answer: Answer) -> list[str]:
    """Names of the lists in an answer of which its text does not show every row: fewer times than there are rows like it."""
    text = _plain(answer.text())
    found: list[str] = []
    for name, rows in answer.data.items():
        if isinstance(rows, dict):
            named = [{"name": key, **row} for key, row in rows.items() if isinstance(row, dict)]
            rows = named if len(named) == len(rows) else []
        if isinstance(rows, list):
            told = Counter(_told_by(row, SHOWN_BY.get((answer.tool.name, name))) for row in rows)
            if any(text.count(words) < n for words, n in told.items()):
                found.append(name)
    return found


def _told_by(row: Any, form: str | None) -> str:
    """The words that tell a row from others, as far as a narrow cell has them."""
    if not isinstance(row, dict):
        row = {"": row}
    texts = {key: flat(value, 10_000) for key, value in row.items() if isinstance(value, str)}
    if form:
        nothing = {key: NOTHING.get(key, "-") for key, value in row.items() if value is None}
        return _plain(form.format(**{**row, **texts, **nothing}))[:60]
    return _plain(next((texts[key] for key in SPECIFIC if key in texts), max(texts.values(), key=len, default="")))[:60]


def _plain(text: str) -> str:
    return text.replace("\\|", "|").replace("'", '"')


BESIDE = {
    ("run_overview", "red_flags"): "findings tell of most; the fourth and later of a kind are counted under its id",
    ("duplicated_work", "by_kind"): "of one kind alone the totals are its sums",
}
"""Lists whose rows stand elsewhere in the answer."""


@pytest.mark.parametrize("tool", READING)
@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_a_shortened_list_says_so_and_where_the_rest_is(tool: str, sample: Sample) -> None:
    """The text names the part, or the next page, and the part has every row."""
    answer = call(get(tool), {**sample.arguments, **extra(tool)})
    text = answer.text()
    for name in (
        shortened(answer) if answer.data.get("recorded", True) else ()
    ):  # not recorded: nothing but None in rows
        if (tool, name) in BESIDE:
            continue
        more = f'part="{name}' in text or (name == LISTS.get(tool) and "next page" in text)
        assert more, f"{name} is shortened and the answer does not say so:\n{text}"
        rows = rows_of(tool, {**sample.arguments, **extra(tool), "part": name}, "rows")
        assert len(rows) == len(answer.data[name])


def test_a_list_without_its_last_rows_is_seen_as_shortened() -> None:
    """The large run has 17 findings, of which its overview shows 12; its checks and agents are all there."""
    found = shortened(call(get("run_overview"), LARGE.arguments))
    assert "findings" in found
    assert not {"checks", "agent_rows"} & set(found)


def test_a_part_is_fenced_json_and_an_unknown_one_is_refused() -> None:
    """A row is one line of JSON; a wrong name is answered with those that there are."""
    answer = call(get("run_overview"), {**LARGE.arguments, "part": "findings", "limit": 2})
    lines = answer.text().split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("```"))
    assert [json.loads(line)["rule"] for line in lines[start + 1 : start + 3]]
    assert answer.page is not None
    assert answer.page.next_cursor
    with pytest.raises(MassgenLogError, match=r"no such list.*findings \(\d+\)"):
        call(get("run_overview"), {**LARGE.arguments, "part": "finding"})
    with pytest.raises(MassgenLogError, match="give its name as part"):
        call(get("run_overview"), {**LARGE.arguments, "limit": 2})


def test_a_cell_that_is_cut_says_how_much_is_missing() -> None:
    """In a table too."""
    assert cell("x" * 200, 20).endswith("…[+180 chars]")
