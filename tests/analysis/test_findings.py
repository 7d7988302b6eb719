"""Each rule finds what truly happened, and nothing in runs where nothing did."""

from __future__ import annotations

import dataclasses

import pytest
from rules_report import EXPECTED, found_in, table

from conftest import CORPUS_SAMPLES, Sample, sample_id
from massgen_logs.analysis.findings import RULES, findings
from massgen_logs.run.load import load
from massgen_logs.tree import resolve


@pytest.mark.parametrize("sample", CORPUS_SAMPLES, ids=sample_id)
def test_findings_are_what_happened(sample: Sample) -> None:
    """Labels by hand from SCENARIO.md (tests/analysis/rules_report.py)."""
    assert found_in(sample) == EXPECTED.get(sample.name, set())


def test_every_finding_can_be_opened_and_disproved() -> None:
    """A sentence, a place in a file or a call of a tool, and what would disprove it."""
    sample = next(s for s in CORPUS_SAMPLES if s.name.startswith("s13b"))
    truth = sample.truth
    found = findings(load(resolve(sample.root, truth["session"], truth["turn"], truth["attempt"])))
    assert len({f.id for f in found}) == len(found)
    for finding in found:
        assert finding.sentence
        assert finding.disproof
        assert finding.evidence
        assert all(":" in place or "#" in place or "(" in place for place in finding.evidence)
    order = [f.severity for f in found]
    assert order == sorted(order, key=["high", "medium", "low"].index)
    stuck = next(f for f in found if f.rule == "stuck_on_failure")
    assert stuck.id.startswith("stuck_on_failure:agent_b")


def test_the_overview_shows_them(ask, run_cli) -> None:
    """All rules of the label in the typed result; twelve lines at most in the text, the others announced."""
    sample = next(s for s in CORPUS_SAMPLES if s.name.startswith("s13b"))
    found = ask("run_overview", *sample.place)["data"]["findings"]
    assert {f["rule"] for f in found} == EXPECTED[sample.name]
    text = run_cli("run-overview", *sample.place)[1]
    assert f"findings by rules (docs/rules.md; {len(found)}):\n- high agent_died, MAST FM-3.1: agent_a" in text
    assert f'- {len(found) - 12} more: part="findings"' in text
    clean = next(s for s in CORPUS_SAMPLES if s.name.startswith("s7a"))
    assert "\nfindings: none\n" in run_cli("run-overview", *clean.place)[1]


def test_rules_are_complete() -> None:
    """Unique ids, a threshold with its origin, a known severity and taxonomy code."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        for field in dataclasses.fields(rule):
            assert getattr(rule, field.name) or field.name == "mast", (rule.id, field.name)
        assert rule.severity in {"high", "medium", "low"}
        assert rule.mast is None or rule.mast.startswith("FM-")


def test_the_printed_report_is_up_to_date() -> None:
    """docs/rules.md is what `make rules-report` prints."""
    from rules_report import TARGET

    assert TARGET.read_text() == table()
