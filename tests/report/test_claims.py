"""Claims of correctness are found clause by clause; an empty report and an unfilled place are found wherever they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import ALL_SAMPLES, REPORT, Sample, material_of, sample_id
from massgen_logs.report.check import problems
from massgen_logs.report.claims import claims
from massgen_logs.report.draft import draft
from massgen_logs.report.structure import SECTIONS, TITLES

LISTS = Path(__file__).parent.parent / "data" / "claims"
AGENTS = ["agent_a", "agent_b", "zeta"]


def sentences(name: str) -> list[str]:
    r"""One a line; \n in it is a line's end."""
    return [line.replace("\\n", "\n") for line in (LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("sentence", [*sentences("en_claims"), *sentences("zh_claims")])
def test_a_claim_is_refused(sentence: str) -> None:
    """Each of a list that was written apart from the rules, by hand; in a report, unless the user gave the truth."""
    assert claims(sentence, AGENTS)
    text = f"{REPORT}\n{sentence}\n"
    assert [p for p in problems(text, ground_truth=False, agents=["zeta"]) if "claims correctness" in p]
    assert problems(text, ground_truth=True) == []


@pytest.mark.parametrize("sentence", [*sentences("en_neutral"), *sentences("zh_neutral")])
def test_a_neutral_sentence_is_accepted(sentence: str) -> None:
    """Measured facts of the process, quoted and attributed words, questions, what isn't known."""
    assert claims(sentence, AGENTS) == []


@pytest.mark.parametrize(
    ("excused", "claiming"),
    [
        ("agent_a claimed that {}.", "agent_a claimed 5050, and {}."),
        ("agent_b said that 5050 is the sum and that {}.", "agent_b said 5050; {}."),
        ("According to agent_b, {}.", "As agent_b expected, {}."),
        ("It is unknown whether {}.", "The cause is unknown, but {}."),
        ("{}, according to agent_b.", "{}, although agent_b said otherwise."),
        ('agent_b wrote "{}".', 'agent_b wrote "5050": {}.'),
    ],
)
def test_an_excuse_holds_for_its_own_clause(excused: str, claiming: str) -> None:
    """The same words are a claim where nobody is said to have said them."""
    words = "the final answer is correct"
    assert claims(excused.format(words), AGENTS) == []
    assert claims(claiming.format(words), AGENTS)


@pytest.mark.parametrize(
    "noun", ["vote", "command", "tool call", "import path", "label", "JSON", "file", "flag", "format", "answer count"]
)
def test_what_an_agent_has_is_judged_by_its_own_noun(noun: str) -> None:
    """A part of the process may be wrong, the answer may not."""
    assert claims(f"agent_a's {noun} was wrong.", AGENTS) == []
    assert claims("agent_a's answer was wrong.", AGENTS)


def test_a_sentence_about_the_process_excuses_no_other() -> None:
    """But a pronoun means what it says."""
    assert claims("All votes were counted. The result is correct.", AGENTS)
    assert claims("agent_a submitted 5050. It is correct.", AGENTS)
    assert claims("The label of the vote was swapped. It was wrong.", AGENTS) == []


def test_an_agents_name_may_stand_in_code() -> None:
    """Other code spans are quotes."""
    assert claims("`agent_a` is right.", AGENTS)
    assert claims("The tool printed `the answer is correct`.", AGENTS) == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_a_draft_lacks_only_its_marked_places(sample: Sample, language: str) -> None:
    """Of every sample run: no claim, no empty or missing section once the places are filled."""
    material = material_of(sample, language)
    run, text = material.run, draft(material)
    found = problems(text, ground_truth=False, agents=run.agents)
    assert found
    assert [p for p in found if "marked place" not in p] == []
    filled = re.sub(r"\[\[JUDGE: .*?\]\]", {"en": "None.", "zh": "无。"}[language], text)
    assert problems(filled, ground_truth=False, agents=run.agents) == []


def test_headings_alone_are_no_report() -> None:
    """Every section without parts and every part is named as empty but the flow of a run without events; "None." is enough."""
    assert problems(REPORT, ground_truth=False) == []
    named = {p for p in problems(REPORT.replace("None.\n", ""), ground_truth=False) if "is empty" in p}
    assert len(named) == sum(len(parts) or 1 for _, parts in SECTIONS) - 1
    one = problems(REPORT.replace("### Timeouts\nNone.\n", "### Timeouts\n---\n"), ground_truth=False)
    assert one == ['section "### Timeouts" in "7. Errors & Issues" is empty: write at least "None."']


def test_a_chinese_section_needs_a_line_too() -> None:
    """And the advice is in Chinese."""
    found = problems(f"{TITLES[1]}\n## 执行摘要\n## 会话概述\n无\n", ground_truth=False)
    assert 'section "## 执行摘要" is empty: write at least "无。"' in found
    assert not [p for p in found if "会话概述" in p]


def test_a_heading_may_be_emphasised() -> None:
    """As it may be in lower case."""
    bold = re.sub(r"^(#{2,3}) (.+)$", r"\1 **\2**", REPORT, flags=re.M)
    assert bold != REPORT
    assert problems(bold, ground_truth=False) == []


@pytest.mark.parametrize(
    "mark", ["[[judge: x]]", "- agent_a: [[Judge: x]]", "|High|[[JUDGE: rows]]|", '[[JUDGE: "x" and y]]']
)
def test_an_unfilled_place_is_found(mark: str) -> None:
    """In lower case, in a list, alone in a cell, with quotation marks inside."""
    assert [p for p in problems(f"{REPORT}\n{mark}\n", ground_truth=False) if "marked place" in p]


@pytest.mark.parametrize(
    "text",
    [
        'agent_a wrote "[[JUDGE: x]]".', "`[[JUDGE: x]]` is in its answer.", "```text\n[[JUDGE: x]]\n```",
        "|echo [[JUDGE: x]] now|2|", "|[[JUDGE: me]]|1|", "- [[JUDGE: me]]: backend openai",
    ],
)  # fmt: skip
def test_a_mark_of_the_log_is_no_place(text: str) -> None:
    """Quoted, fenced, inside a command, or the id of an agent: the report can be saved."""
    assert problems(f"{REPORT}\n{text}\n", ground_truth=False, agents=["[[JUDGE: me]]"]) == []
