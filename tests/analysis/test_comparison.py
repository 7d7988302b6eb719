"""Runs side by side: every expected figure is added up by hand from truth.json and SCENARIO.md of the sample runs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import CORPUS
from massgen_logs.analysis.settings import MOST_SETTINGS, differences, flatten
from massgen_logs.errors import MassgenLogError
from massgen_logs.tools.base import call
from massgen_logs.tools.compare_runs import TOOL

OLDEST, OLD, NEW = "log_20261122_110659", "log_20261122_110943_438535", "log_20261122_104800_969289"
KILLED, RESTARTED = "log_20261122_105349_622444", "log_20261122_111551_329816"


def session(name: str) -> Path:
    return next((CORPUS / name / ".massgen" / "massgen_logs").glob("log_*"))


@pytest.fixture
def root_of(tmp_path: Path):
    """Copies the sessions of several samples into one log root."""

    def make(*samples: str) -> Path:
        root = tmp_path / ".massgen" / "massgen_logs"
        root.mkdir(parents=True)
        for sample in samples:
            for path in (CORPUS / sample / ".massgen" / "massgen_logs").glob("log_*"):
                shutil.copytree(path, root / path.name, symlinks=True)
        return root

    return make


def compared(root: Path, *logs: str) -> dict[str, Any]:
    return call(TOOL, {"logs_dir": str(root), "logs": list(logs)}).data


def text_of(root: Path, *logs: str) -> str:
    return call(TOOL, {"logs_dir": str(root), "logs": list(logs)}).text()


def figure(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in data["figures"] if row["id"] == name)


def values(data: dict[str, Any], name: str) -> list[float | None]:
    return [value["value"] for value in figure(data, name)["values"].values()]


def reasons(data: dict[str, Any], name: str, run: str) -> str:
    return "; ".join(limit["why"] for limit in data["limits"] if name in limit["what"] and run in limit["runs"])


def row(text: str, name: str) -> list[str]:
    return next(line for line in text.split("\n") if line.startswith(f"|{name}|")).strip("|").split("|")[1:]


def test_the_same_script_in_two_versions(root_of) -> None:
    """0.1.45 against 0.1.97: the same work, other prompts, another time-out."""
    data = compared(root_of("s1_clean_0.1.45", "s1_clean_0.1.97"), OLD, NEW)
    assert [(r["key"], r["session"], r["version"], r["state"], r["winner"], r["tally"]) for r in data["runs"]] == [
        ("A", OLD, "0.1.45", "finished", "agent_a", {"agent_a": 2}),
        ("B", NEW, "0.1.97", "finished", "agent_a", {"agent_a": 2}),
    ]
    assert [(a["id"], a["backend"], a["model"], a["answers"]) for a in data["runs"][1]["agents"]] == [
        ("agent_a", "chatcompletion", "gpt-4o-mini", 1),
        ("agent_b", "chatcompletion", "gpt-4o", 1),
    ]
    assert data["same_question"] is True
    expected = {
        "cost_usd": [0.054337, 0.11229],  # 0.010842 + 0.043495, 0.017277 + 0.095013
        "input_tokens": [85960, 149468],  # 69738 + 16222, 112639 + 36829
        "output_tokens": [1378, 1378],  # 956 + 422
        "reasoning_tokens": [12, 12],
        "cached_input_tokens": [3584, 3584],  # 2560 + 1024
        "answers": [2, 2],
        "votes_accepted": [2, 2],
        "votes_ignored": [0, 0],
        "votes_counted": [2, 2],
        "commands_ran": [12, 12],  # 9 of agent_a, 3 of agent_b
        "commands_distinct": [6, 6],
        "commands_failed": [1, 1],  # npm test
        "calls_denied": [0, 0],
        "enforcement_incidents": [0, 0],
        "agent_errors": [0, 0],
        "timeouts": [0, 0],
    }
    assert {name: values(data, name) for name in expected} == expected
    assert values(data, "duration_s") == pytest.approx([17.9, 28.2], abs=0.05)
    cost, tokens = figure(data, "cost_usd"), figure(data, "input_tokens")
    assert (cost["delta"], tokens["delta"]) == (0.057953, 63508)
    assert cost["ratio"] == pytest.approx(2.0665, abs=0.0001)
    assert all(
        value["comparable"] and not value["floor"] for row in data["figures"] for value in row["values"].values()
    )
    assert data["config"] == [
        {"key": "timeout_settings.orchestrator_timeout_seconds", "values": {"A": 80, "B": 150}, "unset": []}
    ]
    assert (data["shared_red_flags"], data["red_flags"]) == (["false_success"], [])
    assert reasons(data, "config", "A").startswith("versions differ")


def test_attempts_of_one_turn_are_compared_by_their_own_usage() -> None:
    """s7b: attempt 2 records attempt 1's tokens and cost too."""
    root = CORPUS / "s7b_orch_restart_0.1.97"
    data = compared(root, f"{RESTARTED}:1:1", f"{RESTARTED}:1:2")
    assert [(r["attempt"], r["attempts"], r["cumulative_over"]) for r in data["runs"]] == [
        (1, 2, None),
        (2, 2, "attempt 1"),
    ]
    assert values(data, "input_tokens") == [38994, 37605]  # 25676 + 13318; 49564 + 27035 - 38994
    assert values(data, "output_tokens") == [581, 482]  # 413 + 168; 727 + 336 - 581
    assert values(data, "cost_usd") == [0.038677, 0.039028]  # 0.004022 + 0.034655; 0.007717 + 0.069988 - 0.038677
    cost = figure(data, "cost_usd")
    assert (cost["values"]["A"]["recorded"], cost["values"]["B"]["recorded"], cost["delta"]) == (
        None,
        0.077705,
        0.000351,
    )
    assert cost["values"]["B"]["why"] == "recorded figure includes attempt 1; corrected"
    assert values(data, "votes_ignored") == [1, 1]
    # agent_restart_events: 2 of agent_a, 1 of agent_b in both
    assert values(data, "executions_restarted") == [3, 3]
    flags = {flag["id"]: flag["counts"] for flag in data["red_flags"]}
    assert flags["cumulative"] == {"A": 0, "B": 1}
    assert flags["orchestration_restart"] == {"A": 1, "B": 0}
    # the metadata of attempt 2 names no config: that of its turn applies
    assert (data["config_of"], data["config"]) == (["A", "B"], [])
    text = text_of(root, f"{RESTARTED}:1:1", f"{RESTARTED}:1:2")
    assert row(text, "cost_usd") == ["$0.038677", "$0.039028 (recorded $0.077705)", "+$0.000351", "1.009"]


def test_a_cumulative_figure_without_the_earlier_record_is_not_compared(root_of) -> None:
    """Attempt 2 alone: what attempt 1 used can't be subtracted."""
    root = root_of("s7b_orch_restart_0.1.97", "s1_clean_0.1.97")
    shutil.rmtree(root / RESTARTED / "turn_1" / "attempt_1")
    data = compared(root, NEW, RESTARTED)
    for name, recorded in (("cost_usd", 0.077705), ("input_tokens", 76599)):
        value = figure(data, name)["values"]["B"]
        assert (value["value"], value["comparable"], figure(data, name)["delta"]) == (recorded, False, None)
        assert "whose own figures are not there" in reasons(data, name, "B")


def test_what_a_version_does_not_record_is_unknown_and_not_zero(root_of) -> None:
    """0.1.0 records no usage, no enforcement, no config."""
    root = root_of("s1_clean_0.1.0", "s1_clean_0.1.97")
    data = compared(root, OLDEST, NEW)
    for name in ("cost_usd", "input_tokens", "output_tokens", "cached_input_tokens", "enforcement_incidents"):
        row_of = figure(data, name)
        assert (row_of["values"]["A"]["value"], row_of["delta"], row_of["ratio"]) == (None, None, None)
        assert row_of["values"]["B"]["value"] is not None
    assert "records no usage" in reasons(data, "cost_usd", "A")
    assert "records no enforcement" in reasons(data, "enforcement_incidents", "A")
    assert reasons(data, "config", "A").endswith("no file records the config")
    assert (data["config_of"], data["config"]) == ([], [])
    votes = figure(data, "votes_ignored")
    assert (values(data, "votes_ignored"), votes["delta"], votes["ratio"]) == ([1, 0], -1, 0)
    assert {f["id"]: f["counts"] for f in data["red_flags"]}["votes_ignored"] == {"A": 1, "B": 0}
    assert values(data, "commands_ran") == [12, 12]  # 5 npm install, 2 ls, 2 openskills, 3 more: of "*" in 0.1.0
    assert values(data, "duration_s") == pytest.approx([26.8, 28.2], abs=0.05)
    text = text_of(root, OLDEST, NEW)
    assert row(text, "cost_usd") == ["unknown", "$0.11229", "-", "-"]
    assert "config: not compared" in text


def test_a_killed_run_has_floors_and_no_deltas(root_of) -> None:
    """s6: killed in agent_a's second round, one vote accepted."""
    root = root_of("s6_killed_0.1.97", "s1_clean_0.1.97")
    data = compared(root, NEW, KILLED)
    assert [r["state"] for r in data["runs"]] == ["finished", "unfinished"]
    expected = {
        "answers": 2,
        "votes_accepted": 1,
        "commands_ran": 1,
        "commands_failed": 0,
        "cost_usd": 0.039984,
        "input_tokens": 27902,
    }
    for name, floor in expected.items():  # cost 0.002064 + 0.03792, tokens 13274 + 14628
        value = figure(data, name)["values"]["B"]
        assert (value["value"], value["floor"], value["comparable"]) == (floor, True, False)
    assert all(row["delta"] is None and row["ratio"] is None for row in data["figures"])
    assert not any(figure(data, name)["values"]["A"]["floor"] for name in expected)
    # started 10:53:49, second round's answer folder of agent_b 10:54:04: 15 s at least
    duration = figure(data, "duration_s")["values"]["B"]
    assert duration["floor"]
    assert 10 < duration["value"] < 25
    text = text_of(root, NEW, KILLED)
    assert row(text, "cost_usd") == ["$0.11229", "≥ $0.039984", "-", "-"]
    assert row(text, "answers") == ["2", "≥ 2", "-", "-"]
    assert reasons(data, "answers", "B") == "the run did not end: a floor"


def test_tokens_counted_twice_are_corrected_and_their_cost_is_not_compared(root_of) -> None:
    """s16: 101563 + 85590 recorded, 139112 served."""
    root = root_of("s16_gemini_0.1.97", "s1_clean_0.1.97")
    data = compared(root, session("s16_gemini_0.1.97").name, NEW)
    tokens, cost = figure(data, "input_tokens"), figure(data, "cost_usd")
    assert (tokens["values"]["A"]["value"], tokens["values"]["A"]["recorded"]) == (139112, 187153)
    assert tokens["delta"] == 149468 - 139112
    assert (cost["values"]["A"]["value"], cost["values"]["A"]["comparable"], cost["delta"]) == (0.151359, False, None)
    assert "counted twice" in reasons(data, "cost_usd", "A")
    assert data["same_question"] is True


def test_errors_of_three_runs_without_deltas(root_of) -> None:
    """s3: a killed agent and eight incidents; s1d: 19 ignored votes and one time-out of both agents; s17: no price."""
    names = ("s3_enforcement_0.1.97", "s1d_livelock_0.1.36", "s17_codex_0.1.97")
    data = compared(root_of(*names), *(session(name).name for name in names))
    assert values(data, "agent_errors") == [1, 0, 0]
    assert values(data, "enforcement_incidents") == [8, None, 0]
    assert values(data, "votes_ignored") == [0, 19, 0]
    assert values(data, "timeouts") == [0, 1, 0]
    assert values(data, "cost_usd")[2] is None
    assert reasons(data, "cost_usd", "C") == "no backend is priced"
    assert values(data, "calls_denied")[2] is None
    flags = {flag["id"]: flag["counts"] for flag in data["red_flags"]}
    assert flags["agent_error"] == {"A": 1, "B": 0, "C": 0}
    assert flags["timeout"] == {"A": 0, "B": 1, "C": 0}
    assert {row["delta"] for row in data["figures"]} == {None}
    assert data["same_question"] is False
    assert "questions differ" in reasons(data, "all figures", "A")


def test_turns_are_named_by_number_or_path_and_runs_of_other_roots_by_path(root_of) -> None:
    """A half of a split turn is its turn; the order is the caller's."""
    root = root_of("s7b_orch_restart_0.1.97")
    path = root / RESTARTED / "turn_1" / "attempt_1" / "massgen.log"
    other = session("s6_killed_0.1.97")
    data = compared(
        root,
        str(other),
        str(path),
        "latest",
        str(session("s7a_multiturn_0.1.97").parent / "log_20261122_111537_313392") + ":1",
    )
    assert [(r["session"], r["turn"], r["attempt"]) for r in data["runs"]] == [
        (KILLED, 1, 1),
        (RESTARTED, 1, 1),
        (RESTARTED, 1, 2),
        ("log_20261122_111537_313392", 2, 1),
    ]
    assert data["runs"][0]["path"] == str(other / "turn_1" / "attempt_1")
    by_prefix = compared(root, "20261122_1115:1:2", f"{RESTARTED}/turn_1/attempt_1")
    assert [r["attempt"] for r in by_prefix["runs"]] == [2, 1]


def test_a_path_may_hold_colons(tmp_path: Path) -> None:
    """Where a path exists, its end is no turn's number."""
    root = tmp_path / "runs:1" / "massgen_logs:2"
    root.mkdir(parents=True)
    for name in ("s1_clean_0.1.45", "s1_clean_0.1.97"):
        shutil.copytree(session(name), root / session(name).name, symlinks=True)
    (root / OLD / "odd:7").touch()
    data = compared(root, str(root / OLD / "odd:7"), f"{root / NEW}:1:1")
    assert [r["session"] for r in data["runs"]] == [OLD, NEW]


@pytest.mark.parametrize(
    ("logs", "told"),
    [
        ([], "logs names 0 runs; a comparison takes 2 to 8"),
        (["latest"], "logs names 1 run; a comparison takes 2 to 8"),
        (["latest"] * 9, "logs names 9 runs"),
        (["latest", RESTARTED], f"'latest' and '{RESTARTED}' are the same run ({RESTARTED} turn 1 attempt 2)"),
        ([f"{RESTARTED}:1:1", f"{RESTARTED}/turn_1/attempt_1"], "are the same run"),
        (["latest", "log_2025"], "No log 'log_2025'"),
        (["latest", f"{RESTARTED}:1:7"], "has no attempt 7; it has: 1, 2"),
        (["latest", f"{RESTARTED}:3"], "has no turn 3; it has: 1"),
        (["latest", "/nowhere/log"], "log='/nowhere/log' is not read: it is not inside a log_* folder"),
        (["", f"{RESTARTED}:1:2"], f"'' and '{RESTARTED}:1:2' are the same run"),
    ],
)
def test_wrong_runs_are_refused(logs: list[str], told: str) -> None:
    """With what was wrong and what exists."""
    with pytest.raises(MassgenLogError) as caught:
        compared(CORPUS / "s7b_orch_restart_0.1.97", *logs)
    assert told in str(caught.value)


def test_backend_settings_differ(root_of) -> None:
    """Agents are compared by id; a mixed run against one of chatcompletion agents (both configs read by hand)."""
    data = compared(root_of("s1_clean_0.1.97", "s14_mixed_0.1.97"), NEW, "log_20261122_193226_719585")
    settings = {row["key"]: (row["values"], row["unset"]) for row in data["config"]}
    assert settings["agents.agent_b.backend.max_tokens"] == ({"B": 8000}, ["A"])
    assert settings["agents.agent_a.backend.type"] == ({"A": "chatcompletion", "B": "openai"}, [])
    assert settings["agents.agent_c.backend.cwd"] == ({"B": "workspace3"}, ["A"])
    assert "agents.agent_a.backend.cwd" not in settings


def test_absolute_paths_need_no_root(root_of, run_cli, monkeypatch, tmp_path) -> None:
    """Neither beside the working directory nor at home."""
    root = root_of("s1_clean_0.1.45", "s1_clean_0.1.97")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, err = run_cli("compare-runs", "--logs", str(root / OLD), str(root / NEW))
    assert code == 0, err
    assert f"A = {OLD} " in out


def _with_orchestrator(root: Path, name: str, lines: str) -> None:
    file = root / name / "turn_1" / "attempt_1" / "execution_metadata.yaml"
    whole = file.read_text()
    assert whole.count("  orchestrator:\n") == 1
    file.write_text(whole.replace("  orchestrator:\n", f"  orchestrator:\n{lines}"))


def test_settings_that_differ_are_shown_and_their_secrets_masked(root_of) -> None:
    """Beside its key a harmless-looking value is a secret; instructions in a value stay in quotes."""
    root = root_of("s1_clean_0.1.45", "s1_clean_0.1.97")
    _with_orchestrator(
        root,
        OLD,
        "    env:\n      OPENAI_API_KEY: correcthorse\n      password: [hunter2x]\n    max_new: 3\n    flag: true\n    hint: 'a|b\n\n      | next'\n",
    )
    _with_orchestrator(root, NEW, "    env:\n      OPENAI_API_KEY: batterystaple\n    max_new: 5\n    flag: 1\n")
    answer = call(TOOL, {"logs_dir": str(root), "logs": [OLD, NEW]})
    whole = answer.text() + json.dumps(answer.json())
    assert not re.search("correcthorse|batterystaple|hunter2x", whole)
    settings = {row["key"]: (row["values"], row["unset"]) for row in answer.data["config"]}
    assert settings["orchestrator.max_new"] == ({"A": 3, "B": 5}, [])
    assert settings["orchestrator.flag"] == ({"A": True, "B": 1}, [])
    keys = settings["orchestrator.env.OPENAI_API_KEY"][0]
    assert keys["A"].startswith("[masked:")
    assert keys["A"] != keys["B"]
    assert settings["orchestrator.env.password"][1] == ["B"]
    assert "- orchestrator.max_new: A 3; B 5" in answer.text()
    assert '- orchestrator.hint: A "a|b | next"; B not set' in answer.text()
    assert "3 secrets masked" in answer.text()


def test_many_differences_are_cut_and_the_cut_is_announced(root_of) -> None:
    """Shown and left out are all of them; part="config" has them."""
    root = root_of("s1_clean_0.1.45", "s1_clean_0.1.97")
    _with_orchestrator(root, OLD, "".join(f"    setting_{n}: {'x' * 60}{n}\n" for n in range(199)))
    answer = call(TOOL, {"logs_dir": str(root), "logs": [OLD, NEW]})
    text = answer.text()
    left = re.search(r"- (\d+) of 200 more: part=\"config\"", text)
    assert left
    assert len(answer.data["config"]) == 200
    assert len(re.findall(r"^- (?:orchestrator|timeout_settings)\.", text, re.M)) + int(left[1]) == 200
    assert len(text) < 7600


def test_eight_runs_fit_a_short_answer_that_judges_none() -> None:
    """Whichever eight; no word that ranks them."""
    names = sorted(path.parent.name for path in CORPUS.glob("*/truth.json"))
    for first in range(0, len(names) - 7, 4):
        text = text_of(CORPUS / names[0], *(str(session(name)) for name in names[first : first + 8]))
        assert len(text) < 7600
        assert "H = log_" in text
        assert not re.search(r"\b(better|worse|best|worst|cheaper|faster|slower|improve\w*|regress\w*)\b", text, re.I)


@pytest.mark.parametrize("form", [["--logs", "A", "B"], ["--logs", "A", "--logs", "B"]])
def test_the_command_line_takes_several_runs(form: list[str], root_of, ask, run_cli) -> None:
    """After one option or after several."""
    root = root_of("s1_clean_0.1.45", "s1_clean_0.1.97")
    arguments = [{"A": OLD, "B": NEW}.get(word, word) for word in form]
    data = ask("compare_runs", "--logs-dir", str(root), *arguments)["data"]
    assert [r["session"] for r in data["runs"]] == [OLD, NEW]
    code, out, _ = run_cli("compare-runs", *arguments, "--logs-dir", str(root))
    assert code == 0
    assert row(out, "input_tokens") == ["85960", "149468", "+63508", "1.739"]
    assert f"B = {NEW} · turn 1 · attempt 1 of 1" in out
    assert f'next: run_overview(log="{OLD}", turn=1, attempt=1)' in out


def test_the_command_line_refuses_one_run(run_cli) -> None:
    """With the reason on standard error."""
    code, out, err = run_cli("compare-runs", "--logs", "latest", "--logs-dir", str(CORPUS / "s7b_orch_restart_0.1.97"))
    assert (code, out) == (2, "")
    assert "a comparison takes 2 to 8" in err


def test_settings_become_dotted_keys() -> None:
    """Nested ones, lists of plain values whole, others by index."""
    assert flatten({"a": {"b": 1.0, "c": None}, "d": ["x", 2], "e": [{"f": True}], 5: {}}, "o") == {
        "o.a.b": 1, "o.a.c": None, "o.d": ["x", 2], "o.e.0.f": True,
    }  # fmt: skip


def test_a_config_that_contains_itself_ends() -> None:
    """YAML anchors can do that, and can multiply."""
    loop: dict[str, object] = {"a": 1}
    loop["self"] = loop
    found = flatten(loop)
    assert found["a"] == 1
    assert found["self.a"] == 1
    wide: object = 1
    for _ in range(10):
        wide = {str(n): wide for n in range(10)}
    assert len(flatten(wide)) == MOST_SETTINGS


def test_differences_are_of_value_and_kind_and_presence() -> None:
    """True is not 1, null is not an absent setting; one config alone has none."""
    configs = {"A": {"x": True, "y": None, "z": 1}, "B": {"x": 1, "z": 1}}
    assert [(d.key, d.values, d.unset) for d in differences(configs)] == [
        ("x", {"A": True, "B": 1}, []),
        ("y", {"A": None}, ["B"]),
    ]
    assert differences({"A": {"x": 1}}) == []
