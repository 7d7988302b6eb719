"""The README's table of figures, which only runs of tests write.

A test that takes the fixture `figure` says what it measured; numbers of one figure are summed over its tests. A whole run
of the tests compares them with the README's table and fails where they differ; UPDATE_FIGURES=1 writes those of the tests
that ran. Rows that begin with NIGHT are written by `make fuzz` alone.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
HEAD = "| measured by the tests | figure |\n|---|---|\n"
NIGHT = "a night's run: "
_SAID: dict[str, tuple[str, Counter[str]]] = {}


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """figure(name, text, **numbers): `text` has a {place} for each number. It reaches the run's end also from a worker."""

    def say(name: str, text: str, **numbers: int) -> None:
        record_property("figure", json.dumps([name, text, numbers]))

    return say


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add what a test that passed measured."""
    for name, said in report.user_properties if report.when == "call" and report.passed else ():
        if name == "figure":
            title, text, numbers = json.loads(str(said))
            _SAID.setdefault(title, (text, Counter()))[1].update(numbers)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write or compare the table, in the process that has all reports."""
    if hasattr(session.config, "workerinput") or exitstatus != 0:
        return
    made = {title: text.format(**numbers) for title, (text, numbers) in _SAID.items()}
    if os.environ.get("UPDATE_FIGURES"):
        write(made)
    elif not session.config.getoption("file_or_dir") and not session.config.getoption("keyword"):
        kept = {title: text for title, text in table().items() if not title.startswith(NIGHT)}
        wrong = {title for title in made | kept if made.get(title) != kept.get(title)}
        if wrong:
            print("\nThe README's figures differ (UPDATE_FIGURES=1 writes them):")
            print(*(f"- {title}: {kept.get(title)} -> {made.get(title)}" for title in sorted(wrong)), sep="\n")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def table() -> dict[str, str]:
    """The rows that the README has."""
    rows = README.read_text().partition(HEAD)[2].partition("\n\n")[0]
    pairs = [row.strip("| ").split(" | ", 1) for row in rows.splitlines()]
    return {title: text for title, text in pairs}  # noqa: C416 (typed)


def write(made: dict[str, str]) -> None:
    """Put these rows in the place of those of the same names."""
    before, head, rest = README.read_text().partition(HEAD)
    rows = "\n".join(f"| {title} | {text} |" for title, text in (table() | made).items())
    README.write_text(f"{before}{head}{rows}\n\n{rest.partition(chr(10) * 2)[2]}")
