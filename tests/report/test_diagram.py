"""The mermaid timeline: a small grammar of our own always checks it, mermaid's own parser where `make` could install it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import ALL_SAMPLES, CORPUS, made_run, material, material_of
from massgen_logs.analysis.timeline import TimelineEvent, timeline
from massgen_logs.report.diagram import AGENTS, diagram, middle_folded, plain
from massgen_logs.report.language import LANGUAGES, Say
from massgen_logs.run.model import Run

PARSER = Path(__file__).parent.parent.parent / ".mermaid" / "node_modules" / "mermaid"
TEXT = r"[\w .,()+/-]+"
LINE = re.compile(
    rf"    (?:participant (?P<new>m|a\d+) as {TEXT}|Note over (?P<over>m|a\d+): {TEXT}"
    rf"|(?P<one>m|a\d+)(?:->>|-->>|-x)(?P<two>m|a\d+): {TEXT})"
)
ODD = [
    "end", "participant", "a->>b: x", "x;y#z", "```", "<script>alert(1)</script>", 'say "hi"', "%%{init: {}}%%", "line\nbreak", "\u202e",
    "名字", "a as b", "$$x$$", "--", "note over m: x", "a" * 300, "", "agent|1",
]  # fmt: skip


def of(run: Run, most: int = 10, language: str = "en") -> list[str]:
    return diagram(run, timeline(run), most, Say(language))


def body(lines: list[str]) -> list[str]:
    """The lines between the fences, after the check that there is one fence and that the first line is the kind."""
    text = "\n".join(lines)
    assert text.count("```") == 2
    inner = text.split("```")[1].split("\n")
    assert inner[:2] == ["mermaid", "sequenceDiagram"]
    return inner[2:-1]


def wrong(lines: list[str]) -> list[str]:
    """Lines that are none of the grammar, or name a participant that was not introduced before."""
    known: set[str] = set()
    bad: list[str] = []
    for line in body(lines):
        match = LINE.fullmatch(line)
        if match and match["new"]:
            known.add(match["new"])
        if match is None or {match["new"], match["over"], match["one"], match["two"]} - {None} - known:
            bad.append(line)
    return bad


def events(names: list[str]) -> list[TimelineEvent]:
    """Each of them does everything that a diagram shows."""
    found: list[TimelineEvent] = []
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        t = float(len(found))
        found += [
            TimelineEvent(t, "round_start", name, 0, None, None, "first start", ""),
            TimelineEvent(t, "answer", name, 0, f"{name}.1", None, "", ""),
            TimelineEvent(t, "restart", name, 0, None, f"{other}.1", "sees", ""),
            TimelineEvent(t, "vote", name, 0, f"{other}.1", other, "", ""),
            TimelineEvent(t, "vote_ignored", name, 0, f"{other}.1", other, "", "", 3, t),
            TimelineEvent(t, "enforcement", name, 0, None, None, "no_tool_calls", ""),
            TimelineEvent(None, "error", name, 0, None, None, name, ""),
        ]
    return [
        *found,
        TimelineEvent(9.0, "timeout", None, None, None, None, "", ""),
        TimelineEvent(9.0, "winner", names[0], None, None, None, "", ""),
    ]


def every() -> dict[str, list[str]]:
    """A diagram of each sample in each language, and some that no sample holds."""
    found = {
        f"{sample.name} {language}": lines
        for sample in ALL_SAMPLES
        for language in LANGUAGES
        if (lines := of(material_of(sample).run, language=language))
    }
    found["odd names"] = diagram(made_run(*ODD[:AGENTS], started=0.0), events(ODD[:AGENTS]), 10, Say())
    found["more odd names"] = diagram(made_run(*ODD[AGENTS:], started=0.0), events(ODD[AGENTS:]), 10, Say("zh"))
    return found


@pytest.fixture(scope="module")
def diagrams() -> dict[str, list[str]]:
    return every()


def test_every_diagram_keeps_the_grammar(diagrams: dict[str, list[str]]) -> None:
    """Of all sample runs in both languages, and with names that would break it."""
    assert len(diagrams) > 100
    assert {name: bad for name, lines in diagrams.items() if (bad := wrong(lines))} == {}


def test_the_grammar_refuses_what_mermaid_refuses() -> None:
    """The check above can fail."""
    ok = ["```mermaid", "sequenceDiagram", "    participant m as MassGen", "    Note over m: x", "```"]
    assert wrong(ok) == []
    for line in ("    m->>a1: x", "    m->m: x", "    m->>m: a;b", "    Note over m:", "    participant a1 as #", "x"):
        assert wrong([*ok[:-1], line, "```"]) == [line]


def test_mermaid_itself_reads_every_diagram(diagrams: dict[str, list[str]]) -> None:
    """By the parser that GitHub uses, as `make test` installs it; a broken diagram is seen to be refused."""
    node = shutil.which("node")
    if node is None or not PARSER.is_dir():
        pytest.skip("no node or no mermaid: `make .mermaid/.ready` installs the parser where there is npm")
    texts = ["\n".join(["sequenceDiagram", *body(lines)]) for lines in diagrams.values()]
    command = [node, str(Path(__file__).with_name("mermaid_parse.mjs")), str(PARSER)]
    done = subprocess.run(
        command, input=json.dumps([*texts, "sequenceDiagram\n    m-x"]), capture_output=True, text=True, check=True
    )
    refused = json.loads(done.stdout)
    assert len(refused) == 1, refused[:3]
    assert "m-x" in refused[0]


def test_the_diagram_tells_the_course_of_a_run() -> None:
    """s1 by truth.json: two answers, a restart of each, two votes for agent1.1, the winner agent_a, a final answer."""
    lines = body(of(material(CORPUS / "s1_clean_0.1.97" / ".massgen" / "massgen_logs").run))
    assert lines[:3] == [
        "    participant m as MassGen",
        "    participant a1 as agent_a",
        "    participant a2 as agent_b",
    ]
    told = [re.sub(r"[\d.]+ s ", "", line.strip()) for line in lines[3:]]
    for line in (
        "a2->>m: answer agent2.1", "a1->>m: answer agent1.1", "m-->>a1: restart (agent1.1)", "m-->>a2: restart (agent2.1)",
        "a2->>a1: vote for agent1.1", "a1->>a1: vote for agent1.1", "Note over a1: winner", "a1->>m: final answer",
    ):  # fmt: skip
        assert told.count(line) == 1, line


def test_ignored_votes_are_counted() -> None:
    """s1d, the live-lock: 19 ignored votes (SCENARIO.md), told as crosses with their number."""
    lines = body(of(material(CORPUS / "s1d_livelock_0.1.36" / ".massgen" / "massgen_logs").run))
    crosses = [line for line in lines if "-x" in line]
    assert sum(int(m[1]) if (m := re.search(r" x(\d+)$", line)) else 1 for line in crosses) == 19


def test_many_agents_are_cut_and_told() -> None:
    """Those with the most events stay, and how many were left out is said."""
    names = [f"agent_{number}" for number in range(25)]
    lines = diagram(made_run(*names, started=0.0), events(names[-3:]), 10, Say())
    assert sum("participant a" in line for line in lines) == AGENTS
    assert f"The diagram shows {AGENTS} of 25 agents, those with the most events." in lines
    assert all(any(line.endswith(f" as {name}") for line in lines) for name in names[-3:])


def test_a_long_run_is_cut_and_told() -> None:
    """500 answers: the first and the last stay, with the totals and the tool that has the rest."""
    names = ["one", "two"]
    found = [TimelineEvent(float(i), "answer", names[i % 2], i, f"agent1.{i}", None, "", "") for i in range(500)]
    lines = diagram(made_run(*names, started=0.0), found, 5, Say())
    assert lines[-2:] == ["", "shown 30 of 500; the rest: coordination_timeline"]
    told = [line for line in lines if "answer" in line]
    assert told[0].endswith("agent1.0")
    assert told[-1].endswith("agent1.499")


def test_the_middle_goes_first() -> None:
    """Of restarts and answers the answers stay; of too many answers the first and the last."""
    kinds = ["answer", "restart"] * 6
    found = [TimelineEvent(float(i), kind, "a", 0, None, None, "", "") for i, kind in enumerate(kinds)]
    assert [e.kind for e in middle_folded(found, 7)].count("answer") == 6
    assert [e.t for e in middle_folded(found, 4)] == [0.0, 2.0, 8.0, 10.0]
    assert middle_folded(found, 12) == found


def test_a_run_without_events_has_no_diagram() -> None:
    """Nothing is drawn."""
    assert diagram(made_run("a", started=0.0), [], 10, Say()) == []


@pytest.mark.parametrize("text", ODD)
def test_words_of_the_log_lose_their_signs(text: str) -> None:
    """Whatever is left is short and has no sign that mermaid or Markdown reads."""
    assert re.fullmatch(r"[\w .,()+/-]{0,48}", plain(text))
