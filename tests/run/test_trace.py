"""read_trace: the evidence once, in order, whole over its pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import CORPUS, pages

CLEAN = str(CORPUS / "s1_clean_0.1.97")
LARGE = str(CORPUS / "s13b_large_agent_dead_0.1.97")


def trace(run_cli, *arguments: str) -> list[dict[str, Any]]:
    """The answers of all pages of a trace."""

    def read(cursor: str | None) -> tuple[dict[str, Any], str | None]:
        code, out, err = run_cli("read-trace", *arguments, *(["--cursor", cursor] if cursor else []), "--json")
        assert code == 0, err
        answer = json.loads(out)
        return answer, answer["page"]["next_cursor"]

    return pages(read)


def whole(answers: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    """(index, kind, text and result) of all pieces, those cut over pages put together."""
    found: dict[int, tuple[str, str]] = {}
    for answer in answers:
        for item in answer["data"]["items"]:
            kind, text = found.get(item["index"], (item["kind"], ""))
            found[item["index"]] = (kind, text + item["text"] + (item["result"] or ""))
    return [(index, *found[index]) for index in sorted(found)]


def test_calls_stand_once_with_arguments_and_result(run_cli) -> None:
    """agent_a ran nine commands; the failing one says so (SCENARIO.md of s1_clean_0.1.97)."""
    items = [
        i
        for a in trace(run_cli, "--agent", "agent_a", "--kind", "call", "--logs-dir", CLEAN)
        for i in a["data"]["items"]
    ]
    first = {i["index"]: i for i in items if i["text"]}
    commands = [json.loads(i["text"])["command"] for i in first.values()]
    assert commands == [
        "ls -R", "npm install", "openskills read pptx", "npm install", "ls -R", "python3 -c 'print(sum(range(101)))'",
        "npm install", "openskills read pptx", "npm test",
    ]  # fmt: skip
    assert [(i["outcome"], i["exit_code"]) for i in first.values()][-1] == ("failed", 1)
    assert [i["round"] for i in first.values()] == [0] * 6 + [1] * 3


@pytest.mark.parametrize("agent", ["agent_a", "agent_b", "agent_c"])
def test_pages_of_any_limit_are_the_same_whole(agent: str, run_cli) -> None:
    """190 calls with outputs of up to 38 kB."""
    default = whole(trace(run_cli, "--agent", agent, "--logs-dir", LARGE))
    wide = whole(trace(run_cli, "--agent", agent, "--limit", "200", "--logs-dir", LARGE))
    assert default == wide
    assert [index for index, _, _ in default] == list(range(1, len(default) + 1))


def test_a_needle_is_found(run_cli) -> None:
    """The planted sentence of s13b (truth.json planted.needle) in the result of the planted command."""
    answers = trace(run_cli, "--agent", "agent_b", "--contains", "copper heron", "--kind", "call", "--logs-dir", LARGE)
    assert answers[0]["page"]["total"] >= 1
    assert "make_notes.py" in json.dumps(answers[0]["data"]["items"][0])
    code, out, _ = run_cli(
        "read-trace", "--agent", "agent_a", "--contains", "copper heron", "--kind", "call", "--logs-dir", LARGE
    )
    assert code == 0
    assert "matching: nothing; this trace has" in out


def test_the_planted_secret_stays_masked(run_cli) -> None:
    """s13b agent_b printed a key; it is in clear in execution_trace.md and leaves nowhere."""
    for answer in trace(run_cli, "--agent", "agent_b", "--logs-dir", LARGE, "--limit", "100"):
        assert "sk-test-4f9aC0ffee" not in json.dumps(answer)


def test_claude_reasoning_comes_from_the_trace_files(run_cli) -> None:
    """events.jsonl of a claude agent holds no thinking (s14 agent_b)."""
    answers = trace(
        run_cli, "--agent", "agent_b", "--kind", "reasoning", "--logs-dir", str(CORPUS / "s14_mixed_0.1.97")
    )
    items = [item for answer in answers for item in answer["data"]["items"]]
    assert items
    assert all("execution_trace.md" in item["where"] for item in items)


@pytest.mark.parametrize("name", ["s1_clean_0.1.0", "s1_clean_0.1.12"])
def test_a_version_without_agents_has_one_trace(name: str, run_cli) -> None:
    """Asked for an agent, the answer says which trace there is."""
    code, _, err = run_cli("read-trace", "--agent", "agent_a", "--logs-dir", str(CORPUS / name))
    assert code == 2
    assert "there are: *" in err
    answers = trace(run_cli, "--agent", "*", "--kind", "call", "--logs-dir", str(CORPUS / name))
    items = [item for answer in answers for item in answer["data"]["items"] if item["text"]]
    assert len({item["index"] for item in items}) == 12


def test_a_place_that_an_answer_names_is_opened(run_cli) -> None:
    """s13b: line 104 of events.jsonl starts agent_c's call of fetch_page.py, line 108 ends it; 1013 is agent_b's."""

    def at(agent: str, line: int) -> list[dict[str, Any]]:
        found = trace(
            run_cli, "--agent", agent, "--contains", f"events.jsonl:{line}", "--limit", "5", "--logs-dir", LARGE
        )
        return [item for answer in found for item in answer["data"]["items"]]

    for line in (104, 108):
        (page,) = at("agent_c", line)
        assert (page["where"], "fetch_page.py" in page["text"]) == ("events.jsonl:104", True)
    assert at("agent_c", 1013) == []
    assert "--seed 400 --rows 245" in at("agent_b", 1013)[0]["text"]


def test_stretches_of_words_are_found_by_any_of_their_lines(run_cli) -> None:
    """s13b: each line of agent_c's first reasoning is in the piece that begins with the first of them."""
    (log,) = (CORPUS / "s13b_large_agent_dead_0.1.97").rglob("events.jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    lines = [n for n, row in enumerate(rows, 1) if row["event_type"] == "thinking" and row["agent_id"] == "agent_c"][:2]
    found = [
        trace(run_cli, "--agent", "agent_c", "--contains", f"events.jsonl:{n}", "--logs-dir", LARGE)[0]["data"]["items"]
        for n in lines
    ]
    assert found[0] == found[1] != []


def test_of_a_long_piece_a_word_shows_what_stands_around(run_cli) -> None:
    """The order in the page that agent_c fetched is 5,000 characters in; its place shows the whole piece."""
    (answer,) = trace(run_cli, "--agent", "agent_c", "--contains", "ignore all", "--logs-dir", LARGE)
    (item,) = answer["data"]["items"]
    assert "IGNORE ALL" in item["text"] + item["result"]
    assert 1400 < len(item["text"] + item["result"]) < 1700
    assert item["part"].endswith("of 9425")
    assert item["whole"] == "events.jsonl:104"
    assert answer["page"]["next_cursor"] is None
