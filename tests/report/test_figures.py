"""Numbers in a report's tables are held against the measured ones; whatever else a report says is its author's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import ALL_SAMPLES, Sample, material, material_of, sample_id
from massgen_logs.report.draft import draft, measured
from massgen_logs.report.figures import contradictions, tables
from massgen_logs.report.material import Material

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def of(corpus: Path, name: str, language: str = "en") -> Material:
    return material(corpus / name / ".massgen" / "massgen_logs", language=language)


def check(run: Material, text: str) -> list[str]:
    return contradictions(text, measured(run))


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_an_untouched_draft_contradicts_nothing(sample: Sample, language: str) -> None:
    """Of every sample run, whatever was cut from its tables."""
    run = material_of(sample, language)
    text = draft(run)
    assert [t for t in tables(text) if t.rows]
    assert check(run, text) == []


# (the draft's cell, what the report says, the number that must be named, the measured one by truth.json of s1_clean_0.1.97)
WRONG = [
    ("|Duration|28.2 s", "|Duration|31.2 s", "31.2 s", "28.2 s"),
    ("|Duration|28.2 s", "|Duration|2 min", "2 min", "28.2 s"),
    ("|Total Cost|$0.11229|", "|Total Cost|$0.12|", "$0.12", "$0.11229"),
    ("|Total Cost|$0.11229|", "|Total Cost|$0|", "$0", "$0.11229"),
    ("|Total Answers|2|", "|Total Answers|3|", "3", "2"),
    ("|2 accepted, 0 ignored", "|2 accepted, 1 ignored", "1", "0"),
    ("|2 accepted, 0 ignored", "|0 accepted, 2 ignored", "0", "2"),
    ("(agent_a 2, agent_b 1;", "(agent_a 1, agent_b 2;", "1", "2"),
    ("|MassGen|0.1.97|", "|MassGen|0.1.96|", "0.1.96", "0.1.97"),
    ("|npm install|5|", "|npm install|7|", "7", "5"),
    ("|npm install|5|", "|`npm install`|**7**|", "7", "5"),
    ("|npm install|5|", "|npm install|5.4|", "5.4", "5"),
    ("|agent_a|112639|", "|agent_a|112,640|", "112,640", "112639"),
    ("|agent_a|112639|", "|agent_a|115k|", "115k", "112639"),
    ("|$0.095013|", "|$0.95013|", "$0.95013", "$0.095013"),
    ("|**Total**|149468|", "|Total|150468|", "150468", "149468"),
    ("|presentation|23.0|28.2|5.1|", "|presentation|23.0|28.2|8.1|", "8.1", "5.1"),
    ("|agent_a|9|1|0|1|1|1|", "|agent_a|9|2|0|1|1|1|", "2", "1"),
    ("|failed_command|1|agent_a|", "|failed_command|4|agent_a|", "4", "1"),
    ("|events.jsonl|85|0|", "|events.jsonl|86|0|", "86", "85"),
]


@pytest.mark.parametrize(("old", "new", "said", "true"), WRONG)
def test_a_changed_number_is_named_with_both_values(corpus: Path, old: str, new: str, said: str, true: str) -> None:
    """One thing wrong: one message, with the line, what the report says and what was measured."""
    run = of(corpus, "s1_clean_0.1.97")
    text = changed(draft(run), old, new)
    line = next(n for n, words in enumerate(text.split("\n"), 1) if new in words)
    found = check(run, text)
    assert len(found) == 1
    assert found[0].startswith(f"line {line}: ")
    assert re.search(rf" is {re.escape(said)}, measured {re.escape(true)}(?![\d.])", found[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("|Duration|28.2 s", "|Duration|28 s"),
        ("|Duration|28.2 s", "|Duration|0.5 min"),
        ("|Duration|28.2 s", "|Duration|~ 31 s"),
        ("|npm install|5|", "|npm install|7 est.|"),
        ("|npm install|5|", "|npm install|~7|"),
        ("|npm install|5|", "|npm install|5 (3 by agent_a)|"),
        ("|agent_a|112639|", "|agent_a|112,639|"),
        ("|agent_a|112639|", "|agent_a|112.6k|"),
        ("|Total Cost|$0.11229|", "|Total Cost|$0.112|"),
        (
            "|npm install|5|2 after a restart, by 2 agents|install once and",
            "|npm install|5|2 after a restart|wastes 1.6 s: cache it and",
        ),
        ("|ls -R|2|2 runs by one agent|cheap", "|ls -R|2||run it 1 time; cheap"),
        ("|Question|", "|My own count|17|\n|Question|"),
        ("[[JUDGE: which outputs", "|Agent|Commands|\n|-|-|\n|agent_a|99|\n[[JUDGE: which outputs"),
    ],
)
def test_rounding_estimates_and_own_words_pass(corpus: Path, old: str, new: str) -> None:
    """Rounded, in another unit, marked as an estimate, or in a place that nobody measured."""
    run = of(corpus, "s1_clean_0.1.97")
    assert check(run, changed(draft(run), old, new)) == []


def test_numbers_in_prose_and_fences_are_not_checked(corpus: Path) -> None:
    """Only tables are."""
    run = of(corpus, "s1_clean_0.1.97")
    text = draft(run).replace("## Session Overview", "It took 99 s, npm install ran 77 times.\n\n## Session Overview")
    text += "\n```\n|Metric|Value|\n|-|-|\n|Total Answers|9|\n```\n"
    assert check(run, text) == []
    shown = text + "\n```text\n```python\n|Metric|Value|\n|-|-|\n|Total Answers|9|\n```\n"
    assert check(run, shown) == []


def test_an_emphasised_heading_is_the_same_place(corpus: Path) -> None:
    """Section 9 is the analyst's own in bold too, and its rows are found."""
    run = of(corpus, "s1_clean_0.1.97")
    bold = re.sub(r"^(#{2,3}) (.+)$", r"\1 **\2**", draft(run), flags=re.M)
    assert [t.place for t in tables(bold)] == [t.place for t in tables(draft(run))]
    assert check(run, changed(bold, "|Low|A command is repeated", "|High|99 commands are repeated")) == []


def test_a_table_in_another_section_is_checked_by_its_header(corpus: Path) -> None:
    """Moving the cost table into the summary doesn't hide it."""
    run = of(corpus, "s1_clean_0.1.97")
    own = "|Agent|Input Tokens|Output Tokens|Reasoning|Cost|\n|-|-|-|-|-|\n|agent_b|36829|423|0|$0.095013|\n"
    found = check(run, draft(run).replace("[[JUDGE: 2-3", own + "\n[[JUDGE: 2-3"))
    assert len(found) == 1
    assert " is 423, measured 422;" in found[0]


def test_reordered_columns_are_compared_by_header(corpus: Path) -> None:
    """Not by position."""
    run = of(corpus, "s1_clean_0.1.97")
    text = re.sub(r"\|Agent\|Input.*?\n\n", "|Agent|Output Tokens|Input Tokens|\n|-|-|-|\n|agent_b|422|36829|\n|agent_a|112639|956|\n\n",
                  draft(run), flags=re.S)  # fmt: skip
    found = check(run, text)
    assert len(found) == 2
    assert " is 112639, measured 956;" in found[0]
    assert " is 956, measured 112639;" in found[1]


def test_unknown_is_not_zero(corpus: Path) -> None:
    """0.1.12 records no cost: a report that says $0 has made it up."""
    run = of(corpus, "s1_clean_0.1.12")
    text = changed(draft(run), "|Total Cost|unknown|", "|Total Cost|$0|")
    found = check(run, text)
    assert len(found) == 1
    assert " is $0, measured unknown;" in found[0]


def test_a_chinese_report_is_checked_too(corpus: Path) -> None:
    """By Chinese and by English headers."""
    run = of(corpus, "s1_clean_0.1.97", "zh")
    text = draft(run)
    found = check(run, changed(text, "|npm install|5|", "|npm install|8|"))
    assert len(found) == 1
    assert " is 8, measured 5;" in found[0]
    english = changed(changed(text, "|命令|运行次数|", "|Command|Times Run|"), "|npm install|5|", "|npm install|8|")
    assert len(check(run, english)) == 1
    assert check(run, changed(text, "|npm install|5|", "|npm install|估计 8|")) == []


@pytest.mark.parametrize("example", ["finished", "broken"])
def test_the_examples_reports_contradict_nothing(example: str) -> None:
    """The finished reports in examples/ were written from the measured figures."""
    run = material(EXAMPLES / example / ".massgen" / "massgen_logs")
    text = next((EXAMPLES / example).rglob("ANALYSIS_REPORT.md")).read_text()
    assert check(run, text) == []
    assert check(run, re.sub(r"\|Total Answers\|2\|", "|Total Answers|4|", text))
