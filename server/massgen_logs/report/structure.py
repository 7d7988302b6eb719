"""The sections of a report, in order; headings that every report must have."""

from __future__ import annotations

TITLE = "# MassGen Log Analysis Report"
TITLES = (TITLE, "# MassGen 日志分析报告")
"""The title in each language."""


def from_title(text: str) -> str | None:
    """A report without what stands before its title; None for a text without one."""
    title = next((title for title in TITLES if title in text), None)
    return None if title is None else text[text.index(title) :]


SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Executive Summary", ()),
    ("Session Overview", ()),
    ("1. Correctness Analysis", ("Coordination Flow", "Status", "Issues Found")),
    ("2. Efficiency Analysis", ("Phase Duration Breakdown", "Top Bottlenecks")),
    (
        "3. Command Pattern Analysis",
        ("Frequently Repeated Commands", "Commands with Excessive Output", "Slowest Command Patterns"),
    ),
    ("4. Work Duplication Analysis", ("Duplicated Work Found", "Specific Examples", "Recommendations")),
    (
        "5. Agent Behavior Analysis",
        (
            "Answer Progression", "Voting Analysis", "Vote vs New Answer Decisions", "Agent Collaboration Quality",
            "Timeouts/Incomplete Rounds",
        ),
    ),
    ("6. Cost & Token Analysis", ("Cost Breakdown", "Cache Efficiency", "Tool Cost Impact")),
    ("7. Errors & Issues", ("Exceptions", "Failed Tool Calls", "Agent Errors", "Timeouts")),
    ("8. Recommendations", ("High Priority", "Medium Priority", "Low Priority / Future Improvements")),
    ("9. Suggested Linear Issues", ()),
    ("Appendix", ("Configuration Used", "Files Generated")),
)  # fmt: skip
"""(level-two heading, its level-three headings), in the order of the report."""
