"""ANALYSIS_REPORT.json says what truth.json says; list_logs tells from it when a log has changed since."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from rules_report import EXPECTED

from conftest import CORPUS
from massgen_logs.report.fingerprints import digest
from massgen_logs.report.issues import issue_id, suggested_issues
from test_work_done import probe

S1, S6, S7B = "s1_clean_0.1.97", "s6_killed_0.1.97", "s7b_orch_restart_0.1.97"
ISSUES = (
    "|High|Count non-zero `exit codes` as tool failures|npm test exits 1|log-analysis, tooling|\n"
    "|Medium|Keep skill texts|read \\| twice|log-analysis|"
)


@pytest.fixture
def report(run_cli):
    """Drafts, fills and saves a report of the last run of a log root; returns its JSON."""

    def save(root: Path, *more: str, language: str = "en", issues: str = ISSUES) -> dict[str, Any]:
        code, text, err = run_cli("draft-report", "--logs-dir", str(root), "--language", language)
        assert code == 0, err
        heading, table = r"(\n## 9[^\n]*\n\|[^\n]*\n\|[^\n]*\n)", r"(?:\|[^\n]*\n)*\[\[JUDGE: [^\n]*"
        text = re.sub(heading + table, lambda match: match[1] + issues, text)
        file = root.parent / "report.md"
        file.write_text(re.sub(r"\[\[JUDGE: .*?\]\]", "None.", text))
        code, _, err = run_cli("write-report", "--logs-dir", str(root), "--content", f"@{file}", *more)
        assert code == 0, err
        return json.loads(next(root.rglob("ANALYSIS_REPORT.json")).read_text())

    return save


@pytest.fixture
def listed(run_cli):
    """(the row's stale, the last turn's stale, the text column "report") of the first log."""

    def read(root: Path) -> tuple[bool | None, bool | None, str]:
        row = json.loads(run_cli("list-logs", "--logs-dir", str(root), "--json")[1])["data"]["logs"][0]
        text = run_cli("list-logs", "--logs-dir", str(root))[1]
        cells = next(line for line in text.split("\n") if line.startswith(f"|{row['session']}|")).split("|")
        return row["stale"], row["turns"][-1]["stale"], cells[3]

    return read


def test_the_json_of_a_finished_run(report, copy_of) -> None:
    """Values by hand from s1_clean_0.1.97/truth.json."""
    root = copy_of(S1)
    data = report(root)
    assert (data["schema_version"], data["tool_version"], data["language"]) == (1, "0.1.0", "en")
    assert (data["session"], data["turn"], data["attempt"]) == ("log_20261122_104800_969289", 1, 1)
    assert (data["massgen_version"], data["attempts"]) == ("0.1.97", 1)
    figures = data["figures"]
    overview = figures["overview"]
    assert (overview["winner"], overview["state"], overview["answers"]) == ("agent_a", "finished", 2)
    assert overview["duration_s"] == pytest.approx(28.2, abs=0.1)
    assert {f["rule"] for f in data["findings"]} == EXPECTED[S1]
    assert overview["restarts"] == {"agent_a": 2, "agent_b": 1}
    votes = figures["votes"]
    assert (votes["accepted"], votes["ignored"], votes["counted"]) == (2, 0, 2)
    assert votes["final"] == {"agent_b": "agent_a", "agent_a": "agent_a"}
    assert votes["tally"] == {"agent_a": 2}
    spent = figures["costs"]["agents"]
    assert (spent["agent_a"]["input_tokens"], spent["agent_a"]["cached_input_tokens"]) == (112639, 2560)
    assert (spent["agent_b"]["output_tokens"], spent["agent_b"]["cost_usd"]) == (422, 0.095013)
    commands = figures["commands"]
    assert [commands[name] for name in ("ran", "distinct", "failed", "denied")] == [12, 6, 1, 0]
    assert "false_success" in {flag["id"] for flag in data["red_flags"]}


def test_the_json_holds_times_duplication_errors_and_progression(report, copy_of) -> None:
    """s1 by SCENARIO.md: phases fill 28.2 s; npm install 3 + 2 and one in a chain, a skill twice; one failed call that
    MassGen calls a success and counts as none; two first answers that had seen nothing."""
    figures = report(copy_of(S1))["figures"]
    times, work, errors, answers = (figures[name] for name in ("times", "duplication", "errors", "progression"))
    assert [p["name"] for p in times["wall_phases"]] == ["start_up", "initial_answer", "voting", "presentation"]
    assert sum(p["seconds"] for p in times["wall_phases"]) == pytest.approx(28.2, abs=0.1)
    assert (times["floor"], times["tools"][0]["calls"]) == (False, 12)
    assert {k["kind"]: k["repeats"] for k in work["by_kind"]} == {"install": 5, "skill": 1}
    assert (work["repeats"], work["after_restart"]) == (6, 3)
    assert (errors["totals"], errors["false_successes"], errors["massgen_failures"]) == ({"failed_command": 1}, 1, 0)
    assert [(a["label"], a["change"], a["seen"]) for a in answers["answers"]] == [
        ("agent2.1", "first", []), ("agent1.1", "first", []),
    ]  # fmt: skip
    assert (answers["final"]["chars"], answers["final"]["winning"]) == (73, "agent1.1")


def test_the_json_of_a_killed_run(report, copy_of) -> None:
    """Values by hand from s6_killed_0.1.97/truth.json: no winner, no duration, one vote."""
    data = report(copy_of(S6))
    overview = data["figures"]["overview"]
    assert (overview["winner"], overview["state"], overview["duration_s"]) == (None, "unfinished", None)
    assert overview["cost_is_floor"] is True
    assert data["figures"]["costs"]["total"]["cost_usd"] == pytest.approx(0.002064 + 0.03792)
    assert data["figures"]["votes"]["final"] == {"agent_b": "agent_a"}
    assert data["figures"]["commands"]["ran"] == 1
    assert "floor" in {flag["id"] for flag in data["red_flags"]}


def test_fingerprints_name_the_files_and_their_content(report, copy_of) -> None:
    """Below the session; sizes and hashes as computed here from the bytes."""
    root = copy_of(S1)
    prints = {p["name"]: p for p in report(root)["fingerprints"]}
    session = next(root.glob("log_*"))
    base = "turn_1/attempt_1/"
    assert {
        base + n for n in ("events.jsonl", "status.json", "coordination_events.json", "metrics_summary.json")
    } <= set(prints)
    assert base + "final/agent_a/answer.txt" in prints
    assert len([n for n in prints if n.endswith("vote.json")]) == 2
    for name, entry in prints.items():
        raw = (session / name).read_bytes()
        parts = raw if len(raw) <= 131_072 else raw[:65_536] + raw[-65_536:]
        assert (entry["size"], entry["sha256"]) == (len(raw), hashlib.sha256(parts).hexdigest())


def test_a_large_file_is_known_by_its_ends(tmp_path: Path) -> None:
    """The first and the last 64 KB."""
    file = tmp_path / "events.jsonl"
    head, tail = b"a" * 65_536, b"c" * 65_536
    file.write_bytes(head + b"b" * 100_000 + tail)
    assert digest(file) == hashlib.sha256(head + tail).hexdigest()


def test_suggested_issues_have_stable_ids(report, copy_of) -> None:
    """The same finding in two different runs and in the Chinese report of one; the hash by hand from title and labels."""
    first = report(copy_of(S1))["suggested_issues"]
    other = ISSUES.replace("log-analysis, tooling", "tooling, `log-analysis`").replace("exit codes", "Exit Codes")
    second = report(copy_of(S6), language="zh", issues=other)["suggested_issues"]
    assert [i["id"] for i in first] == [i["id"] for i in second]
    want = hashlib.sha256(b"count non zero exit codes as tool failures\nlog analysis\ntooling").hexdigest()[:12]
    assert first[0]["id"] == f"issue-{want}"
    assert first[0]["title"] == "Count non-zero exit codes as tool failures"
    assert first[0]["labels"] == ["log-analysis", "tooling"]
    assert (first[1]["priority"], first[1]["description"]) == ("Medium", "read | twice")
    assert issue_id("Keep skill texts", ["log-analysis"]) == first[1]["id"] != first[0]["id"]
    assert issue_id("Keep skill texts", ["log-analysis", "x"]) != first[1]["id"]


def test_a_row_that_says_none_is_no_issue() -> None:
    """Nor a table of another section."""
    table = "|Priority|Title|Description|Labels|\n|-|-|-|-|\n|{}|{}|d|l|\n"
    text = "## 8. Recommendations\n" + table.format("High", "Elsewhere")
    text += "## 9. Suggested Linear Issues\n" + table.format("-", "None")
    assert suggested_issues(text) == []


def test_secrets_are_masked_in_the_json_too(report, copy_of) -> None:
    """A secret in the suggested issues."""
    root = copy_of(S1)
    secret = "ghp_" + "a1B2" * 9
    report(root, issues=f"|High|Leak of {secret}|{secret}|log-analysis|")
    for name in ("ANALYSIS_REPORT.json", "ANALYSIS_REPORT.md"):
        text = next(root.rglob(name)).read_text()
        assert "[masked:github#1]" in text
        assert secret not in text


def test_an_earlier_json_is_kept_with_its_report(report, copy_of) -> None:
    """Under the same name, and no temporary file stays."""
    root = copy_of(S1)
    before = report(root)
    after = report(root, "--overwrite", issues="|Low|Another|d|log-analysis|")
    kept = list(root.rglob("ANALYSIS_REPORT.2*"))
    assert sorted(p.suffix for p in kept) == [".json", ".md"]
    assert len({p.stem for p in kept}) == 1
    assert json.loads(next(p for p in kept if p.suffix == ".json").read_text()) == before
    assert [i["title"] for i in after["suggested_issues"]] == ["Another"]
    assert not list(root.rglob("*.tmp"))


def test_a_refused_report_leaves_no_json(run_cli, copy_of) -> None:
    """Nothing is written."""
    root = copy_of(S1)
    code, _, _ = run_cli("write-report", "--logs-dir", str(root), "--content", "# x")
    assert code
    assert not list(root.rglob("ANALYSIS_REPORT*"))


def test_a_contradicting_number_is_refused_by_write_report(run_cli, copy_of) -> None:
    """With both values; nothing is written."""
    root = copy_of(S1)
    text = re.sub(r"\[\[JUDGE: .*?\]\]", "None.", run_cli("draft-report", "--logs-dir", str(root))[1])
    code, _, err = run_cli(
        "write-report", "--logs-dir", str(root), "--content", text.replace("|npm install|5|", "|npm install|6|")
    )
    assert code
    assert '"Times Run" of "npm install" is 6, measured 5' in err
    assert not list(root.rglob("ANALYSIS_REPORT*"))


def test_without_a_report_or_its_json_stale_is_unknown(report, copy_of, listed) -> None:
    """null, and the text says no, or yes."""
    root = copy_of(S1)
    assert listed(root) == (None, None, "no")
    report(root)
    assert listed(root) == (False, False, "yes")
    beside = next(root.rglob("ANALYSIS_REPORT.json"))
    for text in (
        "",
        "[]",
        "{",
        '{"fingerprints": []}',
        '{"fingerprints": [{"name": "../../x", "size": 1, "sha256": ""}]}',
    ):
        beside.write_text(text)
        assert listed(root) == (None, None, "yes")
    beside.unlink()
    assert listed(root) == (None, None, "yes")


def test_the_json_names_its_report(report, copy_of, listed) -> None:
    """By the hash of its bytes; beside another text (edited, or its writer was killed) it tells nothing about it."""
    root = copy_of(S1)
    data = report(root)
    file = next(root.rglob("ANALYSIS_REPORT.md"))
    assert data["report_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_text(file.read_text() + "\nAdded by hand.\n")
    assert listed(root) == (None, None, "yes")


def later(path: Path) -> None:
    now = time.time_ns() + 3_600_000_000_000
    os.utime(path, ns=(now, now))


def test_a_touched_file_is_not_a_changed_one(report, copy_of, listed) -> None:
    """The same bytes at a later time: read, and found the same."""
    root = copy_of(S1)
    report(root)
    for path in root.rglob("*.json*"):
        if not path.name.startswith("ANALYSIS_REPORT"):
            later(path)
    assert listed(root) == (False, False, "yes")


def test_an_appended_event_makes_the_report_stale(report, copy_of, listed) -> None:
    """By its size, whatever its time."""
    root = copy_of(S1)
    report(root)
    events = next(root.rglob("events.jsonl"))
    times = (events.stat().st_atime_ns, events.stat().st_mtime_ns)
    with events.open("a") as file:
        file.write(
            '{"timestamp": "2026-11-22T10:49:00", "event_type": "stream_chunk", "agent_id": "agent_a", "data": {}}\n'
        )
    os.utime(events, ns=times)
    assert listed(root) == (True, True, "stale")


def test_changed_bytes_of_the_same_size_make_it_stale(report, copy_of, listed) -> None:
    """Written later than the report."""
    root = copy_of(S1)
    report(root)
    answer = next(root.rglob("attempt_1/final/agent_a/answer.txt"))
    answer.write_text(answer.read_text().replace("5050", "5051"))
    later(answer)
    assert listed(root) == (True, True, "stale")


def test_a_removed_file_makes_it_stale(report, copy_of, listed) -> None:
    """What the report says can't be opened any more."""
    root = copy_of(S1)
    report(root)
    next(root.rglob("metrics_summary.json")).unlink()
    assert listed(root) == (True, True, "stale")


def test_another_attempt_makes_it_stale(report, copy_of, listed) -> None:
    """The turn went on after the report."""
    root = copy_of(S1)
    report(root)
    turn = next(root.glob("log_*/turn_1"))
    shutil.copytree(turn / "attempt_1", turn / "attempt_2")
    assert listed(root) == (True, True, "stale")


def test_a_moved_log_is_not_stale(report, copy_of, listed, tmp_path: Path) -> None:
    """Names are below the session, and times move along."""
    root = copy_of(S1)
    report(root)
    shutil.move(root, tmp_path / "elsewhere")
    assert listed(tmp_path / "elsewhere") == (False, False, "yes")


def test_a_list_opens_no_more_than_a_shown_report_and_its_json(report, copy_of, tmp_path: Path) -> None:
    """Not the log's large files (of events.jsonl only its end, which tells of an interruption), and nothing of a row that isn't shown."""
    root = copy_of(S1)
    report(root)
    session = next(root.glob("log_*"))
    shutil.copytree(session, root / "log_20200101_000000_000000")
    seen = probe("list-logs", "--limit", "1", "--logs-dir", str(root))
    opened = [Path(path) for path in seen["opened"]]
    assert not [path for path in opened if "log_20200101" in str(path)]
    names = {path.name for path in opened}
    assert names >= {"ANALYSIS_REPORT.json", "ANALYSIS_REPORT.md"}
    assert not names & {"massgen.log", "answer.txt"}
    assert not {"yaml", "mcp", "pydantic"} & set(seen["modules"])


def test_the_corpus_has_no_reports() -> None:
    """The tests above write into copies."""
    assert not list(CORPUS.rglob("ANALYSIS_REPORT.json"))
