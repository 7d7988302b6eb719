"""Judgements, by the numbers of a draft's places, become a report whose measured parts the tool puts in itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import ALL_SAMPLES, Sample, material_of, sample_id
from massgen_logs.errors import MassgenLogError
from massgen_logs.report.check import problems
from massgen_logs.report.draft import draft
from massgen_logs.report.gaps import gaps, judged

DRAFT = "\n".join([
    "# MassGen Log Analysis Report", "", "**Trace ID:** not queried  ", "**Logfire Link:** none", "",
    "## 8. Recommendations", "### High Priority", "[[JUDGE: issue #1]]", "", "one line", "[[JUDGE: more #2]]", "",
    "## 9. Suggested Linear Issues", "|Priority|Title|", "|-|-|", "|Low|drafted|", "[[JUDGE: rows #3]]",
])  # fmt: skip
MARK = re.compile(r"\[\[JUDGE: [^\]]* #(\d+)\]\]")


def report(judgements: str) -> list[str]:
    return judged(DRAFT, gaps(DRAFT, []), judgements).report.split("\n")


def test_each_text_has_its_place() -> None:
    """The whole report by hand: the order of the texts doesn't matter, a text below a line is a paragraph of its own."""
    assert report("### Place 2\nb\n## place 1: High\na\n\na2\n### Place 3\n|High|own|") == [
        "# MassGen Log Analysis Report", "", "**Trace ID:** not queried  ", "**Logfire Link:** none", "",
        "## 8. Recommendations", "### High Priority", "a", "", "a2", "", "one line", "", "b", "",
        "## 9. Suggested Linear Issues", "|Priority|Title|", "|-|-|", "|Low|drafted|", "|High|own|",
    ]  # fmt: skip


def test_a_whole_table_replaces_the_drafted_one() -> None:
    """Rows alone are added to it."""
    found = report("### Place 1\na\n### Place 2\nb\n### Place 3\n| Priority | Title |\n| --- | --- |\n| High | own |")
    assert found[-4:] == ["## 9. Suggested Linear Issues", "| Priority | Title |", "| --- | --- |", "| High | own |"]


@pytest.mark.parametrize(
    "head", ["Trace ID: 01ab\nLogfire Link: https://x/y#z", "**追踪ID：** 01ab\n**Logfire链接：** https://x/y#z\n"]
)
def test_trace_and_link_of_logfire_may_stand_first(head: str) -> None:
    """Under their name in either language."""
    found = report(f"{head}\n### Place 1\na\n### Place 2\nb\n### Place 3\nNone.")
    assert found[2:4] == ["**Trace ID:** 01ab  ", "**Logfire Link:** https://x/y#z  "]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("### Place 1\na\n### Place 3\nc", "place 2 has no text: 8. Recommendations / High Priority: more"),
        ("### Place 1\na\n### Place 2\n \n### Place 3\nc", "place 2 has no text"),
        ("### Place 1\na\n### Place 2\nb\n### Place 3\nc\n### Place 4\nd", "there is no place 4"),
        ("### Place 1\na\n### Place 2\nb\n### Place 2\nc\n### Place 3\nd", "place 2 has 2 texts"),
        ("My report\n### Place 1\na\n### Place 2\nb\n### Place 3\nc", 'no place for "My report"'),
        ("nothing", "place 1 has no text"),
    ],
)
def test_no_text_is_lost_and_no_place_left(texts: str, said: str) -> None:
    """Else a judgement would vanish without a word."""
    with pytest.raises(MassgenLogError, match=re.escape(said)):
        report(texts)


def test_what_is_wrong_with_a_text_is_named_by_its_place() -> None:
    """Its writer never saw the lines of the report; those of other lines keep their number."""
    found = judged(DRAFT, gaps(DRAFT, []), "### Place 1\na\n\nThe answer is correct.\n### Place 2\nb\n### Place 3\nc")
    wrong = [found.named(one) for one in problems(found.report, ground_truth=False)]
    assert [one[:31] for one in wrong if "claims" in one] == ['place 1: "The answer is correct']
    assert found.named("line 1: x") == "line 1: x"
    assert found.named("missing section") == "missing section"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_the_places_of_every_draft_are_numbered(sample: Sample, language: str) -> None:
    """From 1, in order, each once; filled with none, no mark is left and nothing else has changed."""
    material = material_of(sample, language)
    text = draft(material)
    places = gaps(text, material.run.agents)
    assert [int(n) for n in MARK.findall(text)] == [place.number for place in places] == list(range(1, len(places) + 1))
    found = judged(text, places, "".join(f"### Place {place.number}\nNone.\n" for place in places)).report
    assert [line for line in MARK.sub("None.", text).split("\n") if line] == [
        line for line in found.split("\n") if line
    ]


@pytest.mark.parametrize("name", ["s1_clean_0.1.97", "s1_clean_0.1.12"])
def test_judgements_are_saved_from_the_command_line(run_cli, copy_of, tmp_path: Path, name: str) -> None:
    """With @FILE, in Chinese too; `content` beside them, or neither, is refused."""
    root = copy_of(name)
    own = ("--logs-dir", str(root))
    for language, none in (("en", "Nothing to add."), ("zh", "无。")):
        text = run_cli("draft-report", *own, "--language", language)[1]
        numbers = MARK.findall(text)
        file = tmp_path / "judgements.md"
        file.write_text("".join(f"### Place {n}\n{none}\n" for n in numbers))
        code, _, err = run_cli("write-report", *own, "--judgements", f"@{file}", "--language", language, "--overwrite")
        assert code == 0, err
        saved = next(root.rglob("ANALYSIS_REPORT.md")).read_text()
        assert saved.startswith({"en": "# MassGen Log Analysis Report", "zh": "# MassGen 日志分析报告"}[language])
        assert saved.count(none) >= len(numbers) > 10
        assert "[[JUDGE" not in saved
    assert "one of them" in run_cli("write-report", *own)[2]
    assert "one of them" in run_cli("write-report", *own, "--judgements", "x", "--content", "y")[2]
