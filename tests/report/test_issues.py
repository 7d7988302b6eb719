"""Suggested Linear issues: prefilled from findings, with ids that the same finding has in any run."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from conftest import ALL_SAMPLES, CORPUS, Sample, material, material_of, sample_id
from massgen_logs.analysis.findings import RULES, findings
from massgen_logs.report.draft import draft
from massgen_logs.report.issues import ABOUT, SuggestedIssue, issue_id, proposed, suggested_issues
from massgen_logs.report.language import Say

S1, S12, S13 = "s1_clean_0.1.97", "s12_claude_0.1.45", "s13b_large_agent_dead_0.1.97"
HEAD = "## 9. Suggested Linear Issues\n|Priority|Title|Description|Labels|ID|\n|-|-|-|-|-|\n"


def rows(name: str, language: str = "en") -> list[SuggestedIssue]:
    return suggested_issues(draft(material(CORPUS / name / ".massgen" / "massgen_logs", language=language)))


def by_title(name: str) -> dict[str, SuggestedIssue]:
    return {row.title: row for row in rows(name)}


def hashed(text: str) -> str:
    return "issue-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def test_the_table_is_prefilled_from_the_findings() -> None:
    """s1's four findings (docs/rules.md labels by hand): priority by severity, title, description, labels, id."""
    found = rows(S1)
    assert [(r.priority, r.title, r.labels) for r in found] == [
        ("Medium", "Work is done again after a restart", ["log-analysis", "performance"]),
        ("Medium", "Failed tool calls are recorded as successes", ["log-analysis", "tooling"]),
        ("Medium", "Agents answer or vote right after a failed command", ["log-analysis", "agent-behavior"]),
        ("Low", "A command is repeated by one agent: npm install", ["log-analysis", "performance"]),
    ]
    assert (
        found[1].description
        == "1 failed call is recorded as a success (MassGen's own count of failures: 0) [events.jsonl:61]."
    )


def test_an_id_is_of_the_rule_and_the_command() -> None:
    """Computed here from the rule's name, and the command with its digits folded."""
    assert by_title(S1)["Failed tool calls are recorded as successes"].id == hashed("false_success\n")
    assert by_title(S1)["A command is repeated by one agent: npm install"].id == hashed("repeated_command\nnpm install")
    stuck = by_title(S13)["A failing command is repeated without a change: python3 gen_report.py"]
    assert stuck.id == hashed("stuck_on_failure\npython# gen_report.py")


def test_the_same_finding_in_another_run_has_the_same_id() -> None:
    """Other session, version, backend, agent and number: s1 and s12 both record failures as successes and repeat npm install."""
    ones = [by_title(name) for name in (S1, S12, "s17_codex_0.1.97")]
    titles = ["A command is repeated by one agent: npm install", "Agents answer or vote right after a failed command"]
    for title in titles:
        assert len({own[title].id for own in ones if title in own}) == 1
        assert sum(title in own for own in ones) > 1
    assert len({row.id for row in ones[0].values()}) == len(ones[0])


def test_the_language_does_not_change_an_id() -> None:
    """Titles and priorities are Chinese, ids and labels are not."""
    english, chinese = rows(S1), rows(S1, "zh")
    assert [r.id for r in english] == [r.id for r in chinese]
    assert [r.labels for r in english] == [r.labels for r in chinese]
    assert chinese[1].title == "失败的工具调用被记为成功"
    assert [r.priority for r in chinese] == ["中", "中", "中", "低"]


def test_another_agent_is_the_same_issue_and_another_command_is_not() -> None:
    """The agent's name is no part of an id; findings alike are one row with their number."""
    made = material(CORPUS / S1 / ".massgen" / "massgen_logs")
    one = next(f for f in made.findings if f.rule == "repeated_command")
    values = {name: getattr(one, name) for name in one.__slots__}
    other = type(one)(**{**values, "id": "repeated_command:agent_b.npm install"})
    third = type(one)(**{**values, "id": "repeated_command:agent_b.npm test"})
    made.findings[:] = [one, other, third]
    found = proposed(made)
    assert len(found) == 2
    assert found[0].id != found[1].id
    assert found[0].description.endswith("And 1 more like it.")


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_every_finding_has_its_row(sample: Sample) -> None:
    """Of every run: each rule that found something, with the priority of its severity."""
    made = material_of(sample)
    want = {(f.rule, f.severity.capitalize()) for f in findings(made.run) if f.severity != "info"}
    found = {(r.id, r.priority) for r in proposed(made)}
    assert len({id_ for id_, _ in found}) >= len({rule for rule, _ in want})
    assert {priority for _, priority in found} == {priority for _, priority in want}


def test_every_rule_has_a_title_in_both_languages() -> None:
    """No row is titled by a rule's id."""
    assert {rule.id for rule in RULES if rule.severity != "info"} == set(ABOUT)  # a good sign is no issue
    assert [title for title, _ in ABOUT.values() if Say("zh")(title) == title] == []


def test_an_edited_row_keeps_its_id() -> None:
    """Worded anew, in another order, or with another priority."""
    known = hashed("false_success\n")
    row = suggested_issues(HEAD + f"|High|Count exit codes|my words|tooling, log-analysis|`{known}`|\n")[0]
    assert (row.id, row.title, row.priority) == (known, "Count exit codes", "High")


@pytest.mark.parametrize("given", ["", "-", "issue-1", "issue-XXXXXXXXXXXX", "none"])
def test_a_row_without_an_id_gets_one_of_its_words(given: str) -> None:
    """The hash of title and labels; also for what is no id of ours."""
    row = suggested_issues(HEAD + f"|High|My own|d|log-analysis, x|{given}|\n")[0]
    assert row.id == issue_id("My own", ["log-analysis", "x"])


def test_a_copied_row_does_not_swallow_another() -> None:
    """The second row with an id gets its own; a removed row is gone."""
    known = hashed("false_success\n")
    found = suggested_issues(HEAD + f"|High|One|d|l|{known}|\n|High|Two|d|l|{known}|\n")
    assert [(r.title, r.id) for r in found] == [("One", known), ("Two", issue_id("Two", ["l"]))]


def test_a_table_without_the_column_is_read() -> None:
    """As the seed's template has it, in either language."""
    text = "## 9. 建议的Linear问题\n|优先级|标题|描述|标签|\n|-|-|-|-|\n|高|某事|d|log-analysis|\n"
    assert [r.id for r in suggested_issues(text)] == [issue_id("某事", ["log-analysis"])]


def test_rows_may_be_edited_freely_but_figures_elsewhere_not(run_cli, copy_of) -> None:
    """write_report takes other numbers in section 9, and the id of the table into the JSON."""
    root = copy_of(S1)
    text = re.sub(r"\[\[JUDGE: .*?\]\]", "None.", run_cli("draft-report", "--logs-dir", str(root))[1])
    text = text.replace(
        "1 failed call is recorded as a success (MassGen's own count of failures: 0) [events.jsonl:61].",
        "Counts 7 of 9 exit codes.",
    )
    text = re.sub(r"\|Low\|A command is repeated[^\n]*\n", "", text).replace(
        "|Medium|Failed tool calls are", "|High|Exit codes are"
    )
    code, _, err = run_cli("write-report", "--logs-dir", str(root), "--content", text)
    assert code == 0, err
    saved = json.loads(next(root.rglob("ANALYSIS_REPORT.json")).read_text())["suggested_issues"]
    assert len(saved) == 3
    assert (saved[1]["title"], saved[1]["id"]) == ("Exit codes are recorded as successes", hashed("false_success\n"))


def test_payloads_are_ready_for_linear(ask, copy_of) -> None:
    """draft_report's JSON: every row of section 9, its ID in the description, project, labels, and Linear's own priorities."""
    root = copy_of(S1)
    found = ask("draft_report", "--logs-dir", str(root))["data"]["linear_issues"]
    assert [(one["id"], one["title"].replace("`", ""), one["labels"]) for one in found] == [
        (r.id, r.title, r.labels) for r in rows(S1)
    ]
    assert [one["priority"] for one in found] == [3, 3, 3, 4]  # Medium is 3 in Linear, Low 4
    assert {one["project"] for one in found} == {"MassGen"}
    assert all(f"Finding {one['id']} of massgen-log-analyzer." in one["description"] for one in found)
    assert "Found in log_20261122_104800_969289, turn 1, attempt 1, MassGen 0.1.97." in found[0]["description"]
    chinese = ask("draft_report", "--logs-dir", str(root), "--language", "zh")["data"]["linear_issues"]
    assert [(one["id"], one["priority"]) for one in chinese] == [(one["id"], one["priority"]) for one in found]
