"""A report lacks nothing and claims nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from massgen_logs.report.check import problems
from massgen_logs.report.claims import claims
from massgen_logs.report.language import MARK
from massgen_logs.report.structure import SECTIONS, TITLE

COMPLETE = TITLE + "\n" + "\n".join(
    f"\n## {title}\ntext\n" + "".join(f"\n### {part}\ntext\n" for part in parts) for title, parts in SECTIONS
)  # fmt: skip


def test_a_complete_report_is_accepted() -> None:
    """With the seed's sections."""
    assert problems(COMPLETE, ground_truth=False) == []


@pytest.mark.parametrize(
    "heading", [t for t, _ in SECTIONS] + [p for _, parts in SECTIONS for p in parts if p != "Recommendations"]
)
def test_a_missing_section_is_named(heading: str) -> None:
    """Each of them."""
    lacking = re.sub(rf"^#+ {re.escape(heading)}$", "", COMPLETE, flags=re.M)
    assert [p for p in problems(lacking, ground_truth=False) if heading in p]


def test_everything_wrong_is_named_at_once() -> None:
    """Two missing sections, an unfilled place and a claim: four problems."""
    text = COMPLETE.replace("## Appendix", "").replace("### Timeouts\n", "\n")
    text += f"\n{MARK}something]]\nagent_a correctly identified the sum.\n"
    found = problems(text, ground_truth=False)
    assert len(found) == 4
    assert {"missing section", "marked place", "claims correctness"} <= {
        k for k in ("missing section", "marked place", "claims correctness") if any(k in p for p in found)
    }


@pytest.mark.parametrize(
    "sentence",
    [
        "agent_a correctly identified the bug.",
        "agent_b correctly counted the primes.",
        "Both agents got the right answer.",
        "The task was solved correctly by agent_b.",
        "The winner's answer is correct.",
        "agent_b gave the wrong answer.",
        "The final answer was incorrect.",
        "The answer was not correct.",
        "agent_a arrived at the correct result.",
        "agent_b found the correct number.",
        "agent_a was right about the sum.",
        "zeta was wrong.",
        "The answer is **correct**.",
        "The final answer (5050) is _mathematically_ correct.",
        "The answer of agent_a, given after two rounds,\nis correct.",
        "# The answer is correct",
        "agent_a got it right.",
        "25 is indeed the number of primes, so the answer stands.",
        "Its answer matches the true value.",
        "agent_b nailed it.",
        "| agent_a | 5050 | correct |",
        "- [x] Answer correct",
        "The solution was verified as correct.",
        "It is a correct and complete solution.",
    ],
)
def test_a_claim_of_correctness_is_refused_without_ground_truth(sentence: str) -> None:
    """And allowed with it."""
    text = f"{COMPLETE}\n{sentence}\n"
    assert claims(sentence, ["agent_a", "agent_b", "zeta"])
    assert problems(text, ground_truth=False, agents=["zeta"])
    assert problems(text, ground_truth=True) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Voting completed correctly and a winner was selected.",
        "agent_a claimed 5050 and agent_b arrived at the same number.",
        'agent_a wrote: "the answer is correct because I ran it".',
        "> agent_b: the right answer is 5050",
        "Whether the answer is correct is unknown: no ground truth was given.",
        "The vote was recorded for the wrong agent id.",
        "## 1. Correctness Analysis",
        "```\nthe answer is correct\n```",
        "The coordination was correct, the exit codes were not.",
        "This report makes no claim that the answer is correct.",
        "agent_b claimed that its answer is correct.",
        "The voter said the answer is correct.",
        "Ask the agents to check that the answer is right before submitting.",
        "The agent was right to restart.",
        "The wrong answer label was shown in the prompt.",
        "The exit code is correct in the result JSON.",
        "MassGen's metrics count the wrong total.",
        "The system correctly computed the tally.",
        "Count a non-zero exit code as a failure: the recorded value is wrong.",
        "The winner is agent_a, by both votes.",
    ],
)
def test_neutral_sentences_are_accepted(sentence: str) -> None:
    """The process may be called correct, quotes are somebody's words."""
    assert claims(sentence, ["agent_a", "agent_b"]) == []


@pytest.mark.parametrize("mark", ["[[JUDGE: x]]", "[[JUDGE:x]]", "[[ JUDGE: y]]", "[[JUDGE]]"])
def test_a_mark_in_any_form_is_unfilled(mark: str) -> None:
    """Also when an agent has touched it."""
    assert [p for p in problems(COMPLETE + mark, ground_truth=False) if "marked place" in p]


@pytest.mark.parametrize("example", ["finished", "broken"])
def test_the_examples_reports_are_complete(example: str) -> None:
    """The finished reports in examples/ pass the check that write_report makes."""
    folder = Path(__file__).parent.parent.parent / "examples" / example
    reports = list(folder.rglob("ANALYSIS_REPORT.md"))
    assert len(reports) == 1
    assert problems(reports[0].read_text(), ground_truth=False) == []
