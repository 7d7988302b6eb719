"""A report lacks nothing and claims nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import REPORT
from massgen_logs.report.check import problems
from massgen_logs.report.language import MARK
from massgen_logs.report.structure import SECTIONS


@pytest.mark.parametrize(
    "heading", [t for t, _ in SECTIONS] + [p for _, parts in SECTIONS for p in parts if p != "Recommendations"]
)
def test_a_missing_section_is_named(heading: str) -> None:
    """Each of them."""
    lacking = re.sub(rf"^#+ {re.escape(heading)}$", "", REPORT, flags=re.M)
    assert [p for p in problems(lacking, ground_truth=False) if heading in p]


def test_everything_wrong_is_named_at_once() -> None:
    """Two missing sections, an unfilled place and a claim: four problems."""
    text = REPORT.replace("## Appendix", "").replace("### Timeouts\n", "\n")
    text += f"\n{MARK}something]]\nagent_a correctly identified the sum.\n"
    found = problems(text, ground_truth=False)
    assert len(found) == 4
    assert {"missing section", "marked place", "claims correctness"} <= {
        k for k in ("missing section", "marked place", "claims correctness") if any(k in p for p in found)
    }


@pytest.mark.parametrize("mark", ["[[JUDGE: x]]", "[[JUDGE:x]]", "[[ JUDGE: y]]", "[[JUDGE]]"])
def test_a_mark_in_any_form_is_unfilled(mark: str) -> None:
    """Also when an agent has touched it."""
    assert [p for p in problems(REPORT + mark, ground_truth=False) if "marked place" in p]


@pytest.mark.parametrize("example", ["finished", "broken"])
def test_the_examples_reports_are_complete(example: str) -> None:
    """The finished reports in examples/ pass the check that write_report makes."""
    folder = Path(__file__).parent.parent.parent / "examples" / example
    reports = list(folder.rglob("ANALYSIS_REPORT.md"))
    assert len(reports) == 1
    assert problems(reports[0].read_text(), ground_truth=False) == []
