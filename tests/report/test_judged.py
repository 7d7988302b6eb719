"""Judgements, by the numbers of a draft's places, become a report whose measured parts the tool puts in itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ALL_SAMPLES, END_FILES, Sample, material_of, sample_id
from massgen_logs.errors import MassgenLogError
from massgen_logs.report.check import lacking
from massgen_logs.report.draft import draft
from massgen_logs.report.gaps import filled, gaps, key, own
from massgen_logs.report.header import with_logfire
from massgen_logs.report.judgements import parse, texts_for, wrong_with
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

DRAFT = "\n".join([
    "# MassGen Log Analysis Report", "", "**Trace ID:** not queried  ", "**Logfire Link:** none", "",
    "## 8. Recommendations", "### High Priority", "[[JUDGE: issue #1]]", "", "one line", "[[JUDGE: more #2]]",
    "- read? [[JUDGE: yes or no #3]]", "|x|y|", "|-|-|", "|1|[[JUDGE: cell #4]]|", "",
    "## 9. Suggested Linear Issues", "|Priority|Title|", "|-|-|", "|Low|drafted|", "[[JUDGE: rows #5]]",
])  # fmt: skip
MARK = re.compile(r"\[\[JUDGE: [^\]]* #(\d+)\]\]")
CLEAN = "s1_clean_0.1.97"
HOSTILE = """
import json, resource, sys
from massgen_logs.report.gaps import filled, gaps
from massgen_logs.report.judgements import parse, texts_for, wrong_with
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
draft, given = json.load(sys.stdin)
parsed, places = parse(given), gaps(draft)
wrong_with(parsed, places, [], ground_truth=False)
print(len(filled(draft, places, texts_for(parsed, places)).report))
"""


def judgements(**texts: str) -> str:
    """A text for each place, "n" where none is given: judgements(_2="b")."""
    return "\n".join(f"### Place {n}\n{texts.get(f'_{n}', 'n')}" for n in range(1, 6))


def report(given: str) -> list[str]:
    parsed, places = parse(given), gaps(DRAFT)
    assert wrong_with(parsed, places, [], ground_truth=False) == []
    return filled(with_logfire(DRAFT, parsed.head), places, texts_for(parsed, places)).report.split("\n")


def refused(given: str) -> list[str]:
    return wrong_with(parse(given), gaps(DRAFT), [], ground_truth=False)


def test_each_text_has_its_place() -> None:
    """The whole report by hand: a paragraph of its own below a line, one line in a cell, indented in an item, rows added."""
    texts = "## place 1: issue\na\n\na2\n### Place 2\nb\n### Place 5\n|High|own|\n\nand why\n### Place 4\nc|d\ne\n#### Place 3:\nyes\n- f"
    assert report(texts) == [
        "# MassGen Log Analysis Report", "", "**Trace ID:** not queried  ", "**Logfire Link:** none", "",
        "## 8. Recommendations", "### High Priority", "a", "", "a2", "", "one line", "", "b",
        "- read? yes", "  - f", "|x|y|", "|-|-|", r"|1|c\|d e|", "",
        "## 9. Suggested Linear Issues", "|Priority|Title|", "|-|-|", "|Low|drafted|", "|High|own|", "", "and why",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("| P | T |\n| --- | --- |\n| High | own |", ["| P | T |", "| --- | --- |", "| High | own |"]),
        ("I reworded it:\n\n|P|T|\n|-|-|\n|High|own|", ["|P|T|", "|-|-|", "|High|own|", "", "I reworded it:"]),
        ("|P|T|\n|-|-|", ["|P|T|", "|-|-|"]),
        ("None.", ["|Priority|Title|", "|-|-|", "|Low|drafted|", "", "None."]),
        ("```\n|a|b|\n```", ["|Priority|Title|", "|-|-|", "|Low|drafted|", "", "```", "|a|b|", "```"]),
    ],
)
def test_a_whole_table_replaces_the_drafted_one(text: str, end: list[str]) -> None:
    """Wherever it stands in the text; rows in a fence are none."""
    assert report(judgements(_5=text))[report(judgements(_5=text)).index("## 9. Suggested Linear Issues") + 1 :] == end


@pytest.mark.parametrize(
    "head", ["Trace ID: 01ab\nLogfire Link: https://x/y#z", "**追踪ID：** 01ab\n**Logfire链接：** https://x/y#z\n"]
)
@pytest.mark.parametrize("where", [lambda head: f"{head}\n{judgements()}", lambda head: judgements(_1=f"{head}\n\nn")])
def test_trace_and_link_of_logfire_may_stand_first(head: str, where: Callable[[str], str]) -> None:
    """Under their name in either language, before the first place or in it."""
    found = report(where(head))
    assert found[2:4] == ["**Trace ID:** 01ab  ", "**Logfire Link:** https://x/y#z  "]
    assert found[7] == "n"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (judgements(_2=" "), "place 2 has no text: 8. Recommendations / High Priority: more"),
        (judgements() + "\n### Place 6\nd", "there is no place 6"),
        (judgements() + "\n### Place 2\nd", "place 2 has 2 texts"),
        (judgements() + "\n### Place 4a\nd", '"### Place 4a" names no place'),
        (judgements() + "\n### Place 12345\nd", '"### Place 12345" names no place'),
        ("My report\n" + judgements(), 'no place for "My report"'),
        ("Trace ID: a\nTrace ID: b\n" + judgements(), 'more than one line "Trace ID: b"'),
        (judgements(_5="```\nopen"), "place 5: a code fence is not closed"),
        (judgements(_5="P | T\n--- | ---\nHigh | own"), "place 5: begin each row of a table with |"),
        (judgements(_2="[[JUDGE: later]]"), "place 2: marked place not filled: [[JUDGE: later..."),
    ],
)
def test_no_text_is_lost_and_no_place_left(texts: str, said: str) -> None:
    """Else a judgement would vanish without a word."""
    assert refused(texts) == [said]


def test_a_text_without_places_is_told_so_once() -> None:
    """And not each place."""
    assert refused("**Place 1**\na")[0].startswith('no heading "### Place N"')


def test_words_behind_a_number_are_kept() -> None:
    """Unless they repeat what the place is called."""
    texts = (
        judgements()
        .replace("### Place 1", "### Place 1: High Priority")
        .replace("### Place 2", "### Place 2 - agent_b waited")
    )
    assert report(texts)[7:14] == ["n", "", "one line", "", "agent_b waited", "", "n"]


def test_line_ends_of_other_systems_and_a_byte_order_mark() -> None:
    """As an editor on Windows saves them."""
    assert report("\ufeff" + judgements(_1="a\r\n\rb").replace("\n", "\r\n"))[7:10] == ["a", "", ""]


def test_fences_hold_no_headings() -> None:
    """Neither of places nor of sections, and what is in them stays as it is."""
    found = report(judgements(_2="```\n### Place 1\n# note\n```\n ## own"))
    assert found[found.index("one line") + 2 :][:6] == ["```", "### Place 1", "# note", "```", "#### own", "- read? n"]


def test_a_text_opens_no_section() -> None:
    """Also not below a table of its own."""
    for text in ("## 9. Suggested Linear Issues", "|a|\n|-|\n\n ## 9. Suggested Linear Issues\n|P|T|\n|-|-|"):
        assert sum(line.lstrip().startswith("## 9") for line in report(judgements(_2=text))) == 1


@pytest.mark.parametrize(
    "text", ["|a\n|" + "-" * 400_000 + "x", "“" * 400_000, " 'a" * 130_000, "[[" * 200_000, "### Place 1 " * 40_000]
)
def test_no_text_costs_its_square(text: str) -> None:
    """Each would take an hour; the process may use 60 s of the processor, and needs 5."""
    given = json.dumps([DRAFT, judgements(_2=text)])
    done = subprocess.run([sys.executable, "-c", HOSTILE], input=given, capture_output=True, text=True, check=True)
    assert int(done.stdout) > len(DRAFT)


def test_log_text_is_no_place() -> None:
    """What looks like a mark and isn't the draft's own is taken apart; the others are numbered."""
    text = own("[[JUDGE: wordwhat]]\n- [[judge: x]] `[[ JUDGE: wordy #3]]` [[JUDGE: wordlast]]", "word")
    assert text == "[[JUDGE: what #1]]\n- [ [judge: x]] `[ [ JUDGE: wordy #3]]` [[JUDGE: last #2]]"
    assert [(place.number, place.line) for place in gaps(text)] == [(1, 0), (2, 1)]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_the_places_of_every_draft_are_numbered(sample: Sample, language: str) -> None:
    """From 1, in order, each once; filled with none, no mark is left, no section is lacking and nothing else has changed."""
    material = material_of(sample, language)
    text = draft(material)
    places = gaps(text)
    assert [int(n) for n in MARK.findall(text)] == [place.number for place in places] == list(range(1, len(places) + 1))
    found = filled(text, places, dict.fromkeys(range(1, len(places) + 1), "None.")).report
    assert [line for line in MARK.sub("None.", text).split("\n") if line] == [
        line for line in found.split("\n") if line
    ]
    assert lacking(found) == []
    other = "zh" if language == "en" else "en"
    assert key(material.run, language, places) != key(material.run, other, places)


def ask(tool: str, root: Path, **arguments: object) -> Any:
    return call(get(tool), {"logs_dir": str(root), **arguments}).data


def judged(root: Path, text: str = "None.", **arguments: object) -> tuple[str, str]:
    """The draft, and judgements of it that say the same everywhere."""
    data = ask("draft_report", root, **arguments)
    places = range(1, data["to_fill"] + 1)
    return data["markdown"], f"Draft: {data['key']}\n" + "".join(f"### Place {n}\n{text}\n" for n in places)


def saved(root: Path) -> str:
    return next(root.rglob("ANALYSIS_REPORT.md")).read_text()


@pytest.mark.parametrize("command", [
    'echo "The answer is correct because the sum of one to one hundred is of course five thousand and fifty, as anyone can tell"',
    "echo Verified: the answer is correct", "echo 5050 is correct", "grep -c [[judge: log", "echo [[JUDGE: run #3]] [[JUDGE x",
])  # fmt: skip
@pytest.mark.parametrize("whole", [False, True])
def test_what_agents_ran_is_no_claim_of_the_analyst(copy_of, command: str, whole: bool) -> None:
    """A draft shows commands: nothing in them is the writer's, who couldn't mend it."""
    root = copy_of(CLEAN)
    for file in root.rglob("events.jsonl"):
        file.write_text(file.read_text().replace('"command": "npm install"', f'"command": {json.dumps(command)}'))
    text, given = judged(root)
    assert command[:20].split("[[")[0] in text
    content = {"content": MARK.sub("None.", text)} if whole else {"judgements": given}
    ask("write_report", root, **content)
    assert command[:20].split("[[")[0] in saved(root)


def test_judgements_of_another_draft_are_refused(copy_of) -> None:
    """Of a run that has gone on to as many places, of another log, without a key; those of the other language are taken."""
    root = copy_of(CLEAN)
    _, given = judged(root)
    with pytest.raises(MassgenLogError, match="must begin with the line"):
        ask("write_report", root, judgements=given.partition("\n")[2])
    (log,) = (p for p in root.iterdir() if p.name.startswith("log_"))
    later = log.with_name("log_20991231_000000_000000")
    log.rename(later)
    with pytest.raises(MassgenLogError, match="is of another run"):
        ask("write_report", root, judgements=given)
    _, chinese = judged(root, "无。", language="zh")
    ask("write_report", root, judgements=chinese)
    assert saved(root).startswith("# MassGen 日志分析报告")


def test_a_run_that_went_on_is_drafted_anew(copy_of) -> None:
    """Twenty and twenty-six lines of its events have as many places, but others."""
    root = copy_of(CLEAN)
    (events,) = root.rglob("events.jsonl")
    for name in END_FILES:
        (events.parent / name).unlink()
    rows = events.read_text().splitlines(keepends=True)
    events.write_text("".join(rows[:20]))
    before, given = judged(root)
    events.write_text("".join(rows[:26]))
    assert len(gaps(judged(root)[0])) == len(gaps(before))
    with pytest.raises(MassgenLogError, match="draft it again"):
        ask("write_report", root, judgements=given)


def test_everything_is_named_at_once(copy_of) -> None:
    """A place without a text, a claim, a wrong figure, and that a report exists."""
    root = copy_of(CLEAN)
    _, given = judged(root)
    ask("write_report", root, judgements=given)
    given = given.replace("### Place 2\nNone.\n", "").replace(
        "### Place 3\nNone.", "### Place 3\nThe answer is correct."
    )
    table = "|Agent|Input Tokens|Output Tokens|\n|-|-|-|\n|agent_a|999|1|"
    with pytest.raises(MassgenLogError) as refusal:
        ask("write_report", root, judgements=given.replace("### Place 4\nNone.", f"### Place 4\n{table}"))
    told = str(refusal.value)
    assert "place 2 has no text" in told
    assert 'place 3: "The answer is correct' in told
    assert 'place 4: "Input Tokens" of "agent_a" is 999' in told
    assert "overwrite=true" in told


def test_the_truth_that_the_user_gave_is_told(copy_of) -> None:
    """In the report's head and in its JSON; without it nobody can refer to one."""
    root = copy_of(CLEAN)
    _, given = judged(root)
    given = given.replace(
        "### Place 1\nNone.", "### Place 1\nagent_a is correct according to the ground truth provided."
    )
    with pytest.raises(MassgenLogError, match="place 1"):
        ask("write_report", root, judgements=given)
    ask("write_report", root, judgements=given, ground_truth="5050")
    assert "**Ground Truth (from the user):** 5050  \n" in saved(root).split("## ")[0]
    assert json.loads(next(root.rglob("ANALYSIS_REPORT.json")).read_text())["ground_truth"] == "5050"


def test_own_rows_get_their_id(copy_of) -> None:
    """In the report's table, as in the JSON."""
    root = copy_of(CLEAN)
    text, given = judged(root)
    last = gaps(text)[-1].number
    given = given.replace(
        f"### Place {last}\nNone.", f"### Place {last}\n|High|My own|It waits.|log-analysis, orchestration||"
    )
    ask("write_report", root, judgements=given)
    row = re.search(
        r"^\|High\|My own\|It waits\.\|log-analysis, orchestration\|(issue-[0-9a-f]{12})\|$", saved(root), re.M
    )
    issues = json.loads(next(root.rglob("ANALYSIS_REPORT.json")).read_text())["suggested_issues"]
    assert row is not None
    assert row[1] == issues[-1]["id"]
    assert len(issues) == 5


def test_a_secret_in_a_judgement_is_masked(copy_of) -> None:
    """As in any report."""
    root = copy_of(CLEAN)
    _, given = judged(root)
    ask(
        "write_report", root, judgements=given.replace("### Place 1\nNone.", "### Place 1\nsk-proj-" + "aB3dE5fG7h" * 4)
    )
    assert "aB3dE5fG7h" not in saved(root)


@pytest.mark.parametrize("name", [CLEAN, "s1_clean_0.1.12"])
def test_judgements_are_saved_from_the_command_line(run_cli, copy_of, tmp_path: Path, name: str) -> None:
    """With @FILE; `content` beside them, or neither, is refused."""
    root = copy_of(name)
    flags = ("--logs-dir", str(root))
    file = tmp_path / "judgements.md"
    file.write_text(judged(root)[1])
    code, _, err = run_cli("write-report", *flags, "--judgements", f"@{file}")
    assert code == 0, err
    assert saved(root).count("None.") > 10
    assert "one of them" in run_cli("write-report", *flags)[2]
    assert "one of them" in run_cli("write-report", *flags, "--judgements", "x", "--content", "y")[2]
