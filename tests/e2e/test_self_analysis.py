"""`analyze --mode self` around a stand-in for MassGen: what is saved, what is refused, and what is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from massgen_logs import cli
from massgen_logs.commands import team
from massgen_logs.errors import MassgenLogError
from massgen_logs.report.check import problems

EXAMPLES = Path(__file__).parents[2] / "examples"
LOG = "log_20261122_104800_969289"
PLACES = 22  # counted in the draft of examples/finished
STAND_IN = """
import json, os, shutil, sys, time
from pathlib import Path
plan = json.loads(os.environ["STAND_IN"])
Path(plan["seen"]).write_text(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}))
print("stand-in \\x1b[2J at work", flush=True)
time.sleep(plan.get("sleep", 0))
if "answer" in plan:
    log = Path(os.environ["MASSGEN_LOG_BASE_DIR"]) / "log_20261123_080000_000000"
    shutil.copytree(plan["log"], log, symlinks=True)
    for name, text in (("final/agent_a", plan["answer"]), ("agent_a/2*", plan["earlier"]), ("agent_b/2*", plan["other"])):
        for file in [*log.glob(f"turn_1/{name}/answer.txt"), *log.glob(f"turn_1/attempt_1/{name}/answer.txt")]:
            file.write_text(text)
print("all written", flush=True)
time.sleep(plan.get("stay", 0))
sys.exit(plan.get("exit", 0))
"""


class Stage:
    """A copy of the example log without a report, and a MassGen that does as it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.logs, self.cache, self.seen = folder / "logs", folder / "cache", folder / "seen.json"
        shutil.copytree(EXAMPLES / "finished" / ".massgen" / "massgen_logs", self.logs, symlinks=True)
        self.turn = self.logs / LOG / "turn_1"
        (self.turn / "ANALYSIS_REPORT.md").unlink()
        (folder / "massgen.py").write_text(STAND_IN)
        self.monkeypatch = monkeypatch
        for name in ("LOGFIRE_READ_TOKEN", "MASSGEN_LOGS_MODEL", "MASSGEN_LOGS_BACKEND", "MASSGEN_LOGS_BASE_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {
            "HOME": folder, "XDG_CACHE_HOME": self.cache, "OPENAI_API_KEY": "none",
            "MASSGEN_COMMAND": f"{sys.executable} {folder / 'massgen.py'}",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, str(value))

    def plan(self, **plan: object) -> None:
        """What MassGen does: answer, earlier (answer of the winner), other (of the other agent), exit; sleep
        and stay: seconds before and after it."""
        texts = {"earlier": "", "other": "", **plan} if "answer" in plan else plan
        value = {"seen": str(self.seen), "log": str(EXAMPLES / "finished" / ".massgen" / "massgen_logs" / LOG), **texts}
        self.monkeypatch.setenv("STAND_IN", json.dumps(value))

    def arguments(self, *more: str) -> list[str]:
        return ["analyze", "--mode", "self", "--logs-dir", str(self.logs), *more]

    def run(self, *more: str) -> int:
        return cli.main(self.arguments("--model", "gpt-4o-mini", *more))

    @property
    def report(self) -> Path:
        return self.turn / "ANALYSIS_REPORT.md"

    def left(self, name: str) -> Path:
        """A file that the analysis run left in the cache."""
        found = list(self.cache.glob(f"massgen-logs/self-analysis/*/{name}"))
        assert len(found) == 1
        return found[0]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def texts(what: str, numbers: Any = range(1, PLACES + 1)) -> str:
    return "\n".join(f"### Place {n}\n{what} {n}." for n in numbers)


def test_texts_of_all_agents_become_one_report(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """A place takes the final answer's text, else the winner's, else another agent's; the report passes the checks, and
    a key that an agent quotes is masked."""
    key = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
    stage.plan(
        answer=texts("Final", range(3, PLACES + 1)) + f"\nIt printed {key}",
        earlier=texts("Winner", range(2, 5)),
        other=texts("Other", range(1, 5)),
    )
    assert stage.run() == 0
    report = stage.report.read_text()
    assert problems(report, ground_truth=False, agents=["agent_a", "agent_b"]) == []
    found = dict.fromkeys(range(3, PLACES + 1), "Final") | {1: "Other", 2: "Winner"}
    assert {int(n): who for who, n in re.findall(r"(Final|Winner|Other) (\d+)\.", report)} == found
    assert len(re.findall(r"(?:Final|Winner|Other) \d+\.", report)) == PLACES
    assert key not in report
    assert (stage.turn / "ANALYSIS_REPORT.json").exists()
    assert "lacks places 1, 2:" in capfd.readouterr().err


def test_a_whole_report_as_the_answer_is_taken(stage: Stage) -> None:
    """The example's own report, with a word before it."""
    whole = (EXAMPLES / "finished" / ".massgen" / "massgen_logs" / LOG / "turn_1" / "ANALYSIS_REPORT.md").read_text()
    stage.plan(answer=f"Here it is:\n\n{whole}")
    assert stage.run() == 0
    saved = re.sub(
        r"(?m)(\|Keep skill texts[^\n]*\|)issue-[0-9a-f]{12}\|$", r"\1-|", stage.report.read_text()
    )  # its row got an id
    assert saved.strip() == whole.strip()


def test_a_report_that_fails_the_checks_is_kept_outside_the_log(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    """A claim of correctness and an empty place are named, nothing is beside the log, and the kept file can be mended."""
    stage.plan(answer=texts("Final", range(1, PLACES)) + "\nThe final answer is correct.")
    assert stage.run() == 2
    told = capfd.readouterr().err
    assert "The final answer is correct" in told
    assert "marked place not filled: [[JUDGE: edit or remove rows" in told
    assert not list(stage.turn.glob("*ANALYSIS_REPORT*"))
    kept = stage.left("ANALYSIS_REPORT.rejected.md")
    assert f"write-report --logs-dir {stage.logs} --log {LOG} --turn 1 --content @{kept}" in told
    mended = kept.read_text().replace("The final answer is correct.", "").replace("[[JUDGE: edit", "None: edit")
    kept.write_text(mended)
    place = ["--logs-dir", str(stage.logs), "--log", LOG, "--turn", "1"]
    assert cli.main(["write-report", *place, "--content", f"@{kept}"]) == 0
    assert stage.report.exists()


def test_massgen_gets_a_folder_of_its_own_and_fixed_words(stage: Stage) -> None:
    """Its logs and working directory are in the cache, readable by the owner only; the question holds no word of the log but
    its name; the configuration has the models, our server on the log root, and no tool that writes."""
    stage.plan(answer=texts("Final"))
    assert cli.main(stage.arguments("--backend", "openai", "--model", "m1", "m2", "--model", "m3")) == 0
    seen = json.loads(stage.seen.read_text())
    config = stage.left("self_analysis.yaml")
    assert seen["env"]["MASSGEN_LOG_BASE_DIR"] == str(config.parent / "massgen_logs")
    assert seen["cwd"] == str(config.parent)
    assert config.parent.stat().st_mode & 0o077 == 0
    assert seen["argv"][:-1] == ["--config", str(config), "--no-session-registry", "--automation"]
    question = seen["argv"][-1]
    assert f'log="{LOG}", turn=1, attempt=1' in question
    assert re.findall(r"^Place (\d+): ", question, re.M) == [str(n) for n in range(1, PLACES + 1)]
    for word in ("npm install", "agent_a", "integers"):  # a command, an agent's id, the question of the run
        assert word not in question
    agents = yaml.safe_load(config.read_text())["agents"]
    assert [agent["id"] for agent in agents] == ["correctness", "efficiency", "behaviour"]
    assert [agent["backend"]["model"] for agent in agents] == ["m1", "m2", "m3"]
    for agent in agents:
        assert agent["backend"]["type"] == "openai"
        assert [server["name"] for server in agent["backend"]["mcp_servers"]] == ["massgen-logs"]
        server = agent["backend"]["mcp_servers"][0]
        assert server["command"] == sys.executable
        assert server["args"][-4:] == ["serve", "--read-only", "--logs-dir", str(stage.logs)]
        assert not {"cwd", "enable_mcp_command_line", "context_paths"} & agent["backend"].keys()
    assert "none" not in {agent["backend"].get("api_key") for agent in agents}


def test_logfire_is_there_with_its_token_alone(
    stage: Stage, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token's value is in no file; without a token the run says that the server is left out."""
    monkeypatch.setenv("LOGFIRE_READ_TOKEN", "pylf_secret_value")
    stage.plan(answer=texts("Final"))
    assert stage.run() == 0
    config = stage.left("self_analysis.yaml").read_text()
    assert config.count("${LOGFIRE_READ_TOKEN}") == 3
    assert "pylf_secret_value" not in config
    assert "LOGFIRE" not in capfd.readouterr().err
    monkeypatch.delenv("LOGFIRE_READ_TOKEN")
    assert stage.run("--force") == 0
    assert "LOGFIRE_READ_TOKEN is not set" in capfd.readouterr().err


def test_an_existing_report_is_replaced_by_force_only(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """Without --force nothing is started; with it the earlier report is kept beside the new one."""
    stage.report.write_text("mine\n")
    stage.plan(answer=texts("Final"))
    assert stage.run() == 2
    assert "--force" in capfd.readouterr().err
    assert not stage.seen.exists()
    assert stage.run("--force") == 0
    assert "Final 1." in stage.report.read_text()
    kept = [file for file in stage.turn.glob("ANALYSIS_REPORT.*.md") if file.read_text() == "mine\n"]
    assert len(kept) == 1


@pytest.mark.parametrize(("answer", "started"), [("n", False), ("", False), ("yes", True)])
def test_on_a_terminal_an_existing_report_is_asked_about(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: str, started: bool
) -> None:
    """Only a yes replaces it."""
    stage.report.write_text("mine\n")
    stage.plan(answer=texts("Final"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert stage.run() == 0
    assert stage.seen.exists() is started
    assert (stage.report.read_text() != "mine\n") is started


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_report_and_no_process(stage: Stage, name: signal.Signals) -> None:
    """After Ctrl-C or a kill MassGen has ended too, and the turn's folder is as it was."""
    stage.plan(answer=texts("Final"), sleep=60)
    before = sorted(stage.logs.rglob("*"))
    command = [sys.executable, "-m", "massgen_logs", *stage.arguments("--model", "gpt-4o-mini")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = [process.stderr.readline() for _ in range(3)]
    output = Path(told[-1].strip().rpartition(" ")[2]) / "massgen_output.txt"
    assert _until(lambda: output.exists() and "at work" in output.read_text())
    process.send_signal(name)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "no report was saved" in rest
    assert sorted(stage.logs.rglob("*")) == before
    children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(stage.seen.parent / "massgen.py") not in children


def test_a_web_server_that_is_ended_after_the_run_leaves_the_report(stage: Stage) -> None:
    """MassGen's web interface goes on until Ctrl-C, which then interrupts nothing."""
    stage.plan(answer=texts("Final"), stay=60)
    command = [sys.executable, "-m", "massgen_logs", *stage.arguments("--model", "gpt-4o-mini", "--ui", "webui")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in range(2)][1] == "all written"
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Final 1." in stage.report.read_text()


def _until(true: Callable[[], bool]) -> bool:
    """Wait for another process, at most half a minute."""
    for _ in range(300):
        if true():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"exit": 1}, "exit code 1 and left no log"),
        ({"answer": "", "exit": 3}, "came to no final answer"),
    ],
)
def test_a_massgen_that_fails_is_told_with_its_last_words(
    stage: Stage, capfd: pytest.CaptureFixture[str], plan: dict[str, Any], words: str
) -> None:
    """Its output is quoted without control characters, and no report is saved."""
    stage.plan(**plan)
    assert stage.run() == 2
    told = capfd.readouterr().err
    assert words in told
    assert "at work" in told
    assert "\x1b" not in told
    assert not list(stage.turn.glob("*ANALYSIS_REPORT*"))


def test_without_a_model_the_message_says_how_to_choose_one(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """Flags, variables and keys are named, and nothing is left in the cache."""
    stage.plan(answer=texts("Final"))
    assert cli.main(stage.arguments()) == 2
    told = capfd.readouterr().err
    for word in ("--model", "--backend", "MASSGEN_LOGS_MODEL", "--config", "OPENAI_API_KEY"):
        assert word in told
    assert not stage.cache.exists()


@pytest.mark.parametrize(
    ("model", "backend", "environ", "words"),
    [
        (["claude-x"], None, {}, "ANTHROPIC_API_KEY is not set"),
        (["gemini-x"], None, {}, "GEMINI_API_KEY or GOOGLE_API_KEY is not set"),
        (["mystery"], None, {}, "give --backend"),
        (["gpt-x", "claude-x"], None, {}, "2 models for three agents"),
        (["gpt-x", "claude-x", "gpt-y"], None, {"OPENAI_API_KEY": "k"}, "give --backend"),
    ],
)
def test_a_choice_that_cannot_work_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: list[str], backend: str | None, environ: dict[str, str],
    words: str,
) -> None:  # fmt: skip
    """A missing key, an unknown provider, a number of models that fits no team."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(MassgenLogError, match=re.escape(words)):
        team.choose(model, backend, None, environ)


def test_a_choice_by_variables_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a flag goes before its variable; a provider of one's own needs no known key."""
    monkeypatch.setenv("HOME", str(tmp_path))
    environ = {"MASSGEN_LOGS_MODEL": "a b c", "MASSGEN_LOGS_BASE_URL": "http://x/v1"}
    assert team.choose([], None, None, environ) == team.Models(("a", "b", "c"), "chatcompletion", "http://x/v1")
    chosen = team.choose(["gpt-x"], "openai", None, {**environ, "OPENAI_API_KEY": "k"})
    assert (chosen.names, chosen.backend) == (("gpt-x",), "openai")


def test_how_massgen_is_found(tmp_path: Path) -> None:
    """MASSGEN_COMMAND goes before massgen on PATH, that before uvx; without any of them the message says what to install."""
    path = {"PATH": str(tmp_path)}
    with pytest.raises(MassgenLogError, match="MassGen is not installed"):
        team.massgen_command(path)
    for name, command in (("uvx", ["uvx", f"massgen@{team.TESTED}"]), ("massgen", ["massgen"])):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert team.massgen_command(path) == command
    assert team.massgen_command({**path, "MASSGEN_COMMAND": "uvx --from 'a b' massgen"})[1:] == [
        "--from",
        "a b",
        "massgen",
    ]
    with pytest.raises(MassgenLogError, match="no such program"):
        team.massgen_command({**path, "MASSGEN_COMMAND": "nothing-of-the-kind"})


def test_an_analysis_starts_no_other_and_is_not_analysed(
    stage: Stage, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside an analysis run, and for the logs of one, the command refuses before it starts anything."""
    stage.plan(answer=texts("Final"))
    assert stage.run() == 0
    assert json.loads(stage.seen.read_text())["env"]["MASSGEN_LOGS_SELF_ANALYSIS"]
    stage.seen.unlink()
    logs = stage.left("massgen_logs")
    assert cli.main(["analyze", "--mode", "self", "--model", "gpt-4o-mini", "--logs-dir", str(logs)]) == 2
    assert "logs of an analysis run" in capfd.readouterr().err
    monkeypatch.setenv("MASSGEN_LOGS_SELF_ANALYSIS", "1")
    assert stage.run("--force") == 2
    assert "starts no other" in capfd.readouterr().err
    assert not stage.seen.exists()


def test_a_configuration_of_ones_own_gets_the_server(stage: Stage, tmp_path: Path) -> None:
    """Its agents, models and other servers stay; ours replaces one of the same name, Logfire's goes without a token."""
    own = {
        "agent": {
            "id": "solo",
            "backend": {
                "type": "claude", "model": "m",
                "mcp_servers": {"massgen-logs": {"command": "old"}, "logfire": {"command": "uvx"}, "web": {"command": "npx"}},
            },
        }
    }  # fmt: skip
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    stage.plan(answer=texts("Final"))
    assert cli.main(stage.arguments("--config", str(tmp_path / "own.yaml"))) == 0
    backend = yaml.safe_load(stage.left("self_analysis.yaml").read_text())["agent"]["backend"]
    assert (backend["type"], backend["model"]) == ("claude", "m")
    assert {server["name"]: server["command"] for server in backend["mcp_servers"]} == {
        "web": "npx", "massgen-logs": sys.executable,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["agents: 3\n", "- a\n", "agents:\n- id: x\n", "a: [\n"])
def test_a_file_that_is_no_configuration_is_refused(stage: Stage, tmp_path: Path, text: str) -> None:
    """Before anything is started."""
    (tmp_path / "own.yaml").write_text(text)
    stage.plan(answer=texts("Final"))
    assert cli.main(stage.arguments("--config", str(tmp_path / "own.yaml"))) == 2
    assert not stage.seen.exists()


def test_a_log_in_progress_is_not_analysed(
    stage: Stage, capfd: pytest.CaptureFixture[str], copy_of: Callable[[str], Path]
) -> None:
    """Its figures would change under the report."""
    root = copy_of("s6_killed_0.1.97")
    (file,) = root.glob("log_*/turn_1/attempt_1/status.json")
    status = json.loads(file.read_text())
    status["meta"]["last_updated"] = time.time()
    file.write_text(json.dumps(status))
    stage.plan(answer=texts("Final"))
    assert cli.main(["analyze", "--mode", "self", "--model", "gpt-4o-mini", "--logs-dir", str(root)]) == 2
    assert "in progress" in capfd.readouterr().err
    assert not stage.seen.exists()


def test_a_root_that_massgen_would_expand_is_refused(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """A ${ in a configuration is a variable to MassGen."""
    logs = stage.logs.rename(stage.logs.with_name("${HOME}"))
    stage.plan(answer=texts("Final"))
    assert cli.main(["analyze", "--mode", "self", "--model", "gpt-4o-mini", "--logs-dir", str(logs)]) == 2
    assert "for a variable" in capfd.readouterr().err
    assert not stage.seen.exists()


def test_an_installed_wheel_has_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel is told to take the file into the package, where it is looked for first."""
    project = tomllib.loads((EXAMPLES.parent / "pyproject.toml").read_text())
    taken = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert taken == {f"skill_assets/{team.TEMPLATE}": f"massgen_logs/{team.TEMPLATE}"}
    package = tmp_path / "massgen_logs"
    package.mkdir()
    (package / team.TEMPLATE).write_text("task: from the package\n")
    monkeypatch.setattr(team, "__file__", str(package / "commands" / "team.py"))
    assert team.template() == {"task": "from the package"}
