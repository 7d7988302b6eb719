"""Plugin, skill and server in the real Claude Code: every way to install them, and the workflow to the saved report."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from claude_code import (
    CLAUDE,
    INSPECTOR,
    PREFIX,
    ROOT,
    SHIPPED,
    UV,
    Turn,
    claude,
    environment,
    prompt,
    say,
    scripted,
    use,
)

from conftest import CORPUS

pytestmark = pytest.mark.skipif(
    not CLAUDE.exists() or not Path(UV).exists(),
    reason="Claude Code or uv isn't here: make .npm/.ready needs npm and a network",
)
CLEAN = "s1_clean_0.1.97"
NAME = "massgen-log-analyzer"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the repository ships, in a folder of its own."""
    folder = tmp_path_factory.mktemp("plugin") / NAME
    folder.mkdir()
    for name in SHIPPED:
        source = ROOT / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy(source, folder)
    return folder


@pytest.fixture(scope="module")
def home(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the plugin installed as the README says; its environment is made as at a first start."""
    folder = tmp_path_factory.mktemp("home")
    claude(folder, folder, "plugin", "marketplace", "add", str(plugin))
    claude(folder, folder, "plugin", "install", f"{NAME}@{NAME}")
    made = subprocess.run(
        [UV, "sync", "--quiet", "--no-dev", "--project", str(plugin)], env=environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"uv can't fetch the plugin's dependencies here: {made.stderr[-300:]}")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project with one log, and a folder deep inside of it."""
    shutil.copytree(CORPUS / CLEAN / ".massgen", tmp_path / "project" / ".massgen", symlinks=True)
    deep = tmp_path / "project" / "src"
    deep.mkdir()
    return deep


def test_the_plugin_is_valid(plugin: Path, tmp_path: Path) -> None:
    """For Claude Code's validator, as strict as it can be, with the rules of the plugin directory."""
    shown = claude(tmp_path, tmp_path, "plugin", "validate", "--strict", "--profile", "directory", str(plugin))
    assert "Validation passed" in shown
    assert f"skills: {NAME}:{NAME}" in shown
    assert "mcpServers: massgen-logs stdio uv" in shown
    assert "mcpServers: logfire http ${LOGFIRE_MCP_URL}" in shown


def test_the_installed_plugin_brings_skill_and_server(home: Path, project: Path) -> None:
    """Logfire's variables are unset here: its server names the first and nothing is asked of it."""
    assert re.search(rf"{NAME}@{NAME}\n.*\n.*\n.*\n +Status: ✔ enabled", claude(home, project, "plugin", "list"))
    shown = claude(home, project, "mcp", "list")
    assert re.search(rf"plugin:{NAME}:massgen-logs: uv run .* - ✔ Connected", shown)
    assert "Missing environment variables: LOGFIRE_MCP_URL" in shown


QUESTIONS = (
    "coordination_timeline", "vote_reasons", "time_breakdown", "repeated_commands", "duplicated_work", "answer_progression",
    "find_errors", "read_status_reliability", "cost_and_tokens",
)  # fmt: skip


def filled(results: list[str]) -> list[dict[str, object]]:
    """A text for each place of the draft that was answered last, handed to write_report."""
    places = re.findall(r"\[\[JUDGE: .*? #(\d+)\]\]", results[-1])
    lines = [
        *re.findall(r"^Draft: [0-9a-f]{6}$", results[-1], re.M),
        *(f"### Place {number}\nNone found." for number in places),
    ]
    return [use(PREFIX + "write_report", judgements="\n".join(lines))]


def test_the_workflow_leaves_a_report(home: Path, plugin: Path, project: Path) -> None:
    """Skill, list_logs, run_overview, the questions, the evidence, draft_report, write_report: in that order, all answered.

    The user's words are the server's prompt `analyze`, as the client expands it. What each must say of this run stands in its SCENARIO.md.
    """
    guide = plugin / "skill_assets" / "report-guide.md"
    script: list[Turn] = [
        [say("I load the skill."), use("Skill", skill=f"{NAME}:{NAME}")],
        [use(PREFIX + "list_logs", limit=10)],
        [use(PREFIX + "run_overview")],
        [use(PREFIX + name) for name in QUESTIONS],
        [use(PREFIX + "read_trace", agent="agent_a", contains="npm test"), use("Read", file_path=str(guide))],
        [use(PREFIX + "draft_report")],
        filled,
        [say("The report is saved.")],
    ]
    run = prompt(home, project, f"/{PREFIX}analyze", script, f"Skill,Read,{PREFIX[:-2]}")
    assert "Analyse a MassGen run with the massgen-log-analyzer skill" in json.dumps(run.requests[0])
    assert f"Base directory for this skill: {plugin}" in run.sent
    assert "# MassGen log analyzer" in run.sent
    results = run.results
    assert len(results) == 3 + len(QUESTIONS) + 4
    assert "log_20261122_104800_969289" in results[1]
    assert "winner: agent_a" in results[2]
    answered = dict(zip(QUESTIONS, results[3:], strict=False))
    assert [a[:200] for n, a in answered.items() if not a.startswith(f"{n} · log_20261122_104800_969289")] == []
    assert "npm install|5|" in answered["repeated_commands"]
    assert "tally" in answered["vote_reasons"]
    assert "npm error Missing script" in results[-4]
    assert "# Writing ANALYSIS_REPORT.md" in results[-3]
    folder = project.parent / ".massgen" / "massgen_logs" / "log_20261122_104800_969289" / "turn_1"
    report = (folder / "ANALYSIS_REPORT.md").read_text()
    assert str(folder / "ANALYSIS_REPORT.md") in results[-1]
    assert report.startswith("# MassGen Log Analysis Report")
    assert "[[JUDGE" not in report
    saved = json.loads((folder / "ANALYSIS_REPORT.json").read_text())
    assert saved["report_sha256"] == hashlib.sha256(report.encode()).hexdigest()
    assert run.events[-1]["result"] == "The report is saved."


def test_server_and_skill_alone_work_from_the_users_project(
    home: Path, plugin: Path, project: Path, tmp_path: Path
) -> None:
    """The skill's folder copied, the server by `uv run --directory`: which leaves the project, and finds its logs anyway."""
    own = tmp_path / "home"
    skill = own / ".claude" / "skills" / NAME
    skill.mkdir(parents=True)
    shutil.copy(plugin / "SKILL.md", skill)
    shutil.copytree(plugin / "skill_assets", skill / "skill_assets")
    serve = ["uv", "run", "--directory", str(plugin), "massgen-logs", "serve"]
    claude(own, project, "mcp", "add", "massgen-logs", "--", *serve)
    script: list[Turn] = [[use("Skill", skill=NAME)], [use("mcp__massgen-logs__list_logs")], [say("Done.")]]
    run = prompt(own, project, "Which runs are there?", script, "Skill,mcp__massgen-logs", UV_NO_DEV="1")
    assert f"Base directory for this skill: {skill}" in run.sent
    assert f"root: {project.parent / '.massgen' / 'massgen_logs'}" in run.results[1]
    assert "log_20261122_104800_969289" in run.results[1]


def test_uvx_runs_the_wheel(home: Path, plugin: Path, tmp_path: Path) -> None:
    """As it will from a package index; here the wheel is what `uv build` makes of the shipped files."""
    dist = tmp_path / "dist"
    build = [UV, "build", "--quiet", "--wheel", "--out-dir", str(dist), str(plugin)]
    subprocess.run(build, env=environment(tmp_path), check=True)
    claude(tmp_path, tmp_path, "mcp", "add", "massgen-logs", "--", "uvx", "massgen-logs", "serve")
    shown = claude(tmp_path, tmp_path, "mcp", "list", UV_FIND_LINKS=str(dist))
    assert "massgen-logs: uvx massgen-logs serve - ✔ Connected" in shown


def test_without_any_log_the_user_is_told_where_was_looked(home: Path, tmp_path: Path) -> None:
    """The model gets each place and the next step, and nothing is written."""
    script: list[Turn] = [
        [use("Skill", skill=f"{NAME}:{NAME}")], [use(PREFIX + "list_logs"), use(PREFIX + "run_overview")], [say("There is no log.")],
    ]  # fmt: skip
    run = prompt(home, tmp_path, "Analyse my last MassGen run", script, f"Skill,{PREFIX[:-2]}")
    for result in run.results[1:]:
        assert f"No .massgen/massgen_logs in {tmp_path}, in any folder above it, or in {home}." in result
        assert "logs_dir" in result
    assert list(tmp_path.rglob("*")) == []


def test_a_turn_that_does_not_exist_is_refused_with_those_that_do(home: Path, project: Path) -> None:
    """Of every tool that takes a turn, and no report is left in any folder."""
    names = ["run_overview", *QUESTIONS, "draft_report"]
    script: list[Turn] = [
        [use("Skill", skill=f"{NAME}:{NAME}")], [use(PREFIX + name, turn=7) for name in names], [say("There is no turn 7.")],
    ]  # fmt: skip
    run = prompt(home, project, "Analyse turn 7 of my last MassGen run", script, f"Skill,{PREFIX[:-2]}")
    assert len(run.results) == 1 + len(names)
    assert all("log_20261122_104800_969289 has no turn 7; it has: 1." in result for result in run.results[1:])
    assert not list(project.parent.rglob("ANALYSIS_REPORT*"))


def test_logfires_server_is_asked_when_its_variables_are_set(home: Path, tmp_path: Path) -> None:
    """With the token of the user's environment, and only then (see the test of the installed plugin)."""
    with scripted([]) as api:
        shown = claude(
            home, tmp_path, "mcp", "list",
            LOGFIRE_MCP_URL=f"http://127.0.0.1:{api.port}/mcp", LOGFIRE_READ_TOKEN="the-users-own",
        )  # fmt: skip
    assert "Missing environment variables" not in shown
    assert ("/mcp", "Bearer the-users-own") in api.asked


@pytest.mark.skipif(not INSPECTOR.exists(), reason="MCP's Inspector isn't here: make .npm/.ready")
def test_the_inspector_finds_nothing(home: Path, plugin: Path, tmp_path: Path) -> None:
    """In the schemas of the tools, as strict as it can be, with the server as the plugin starts it."""
    serve = [UV, "run", "--quiet", "--no-dev", "--project", str(plugin), "massgen-logs", "serve"]
    more = {
        "PATH": os.pathsep.join([str(INSPECTOR.parent), os.environ["PATH"]]),
        "MCP_INSPECTOR_SECRET_STORE": "memory",
    }
    done = subprocess.run(
        [str(INSPECTOR), "--cli", *serve, "--method", "tools/list", "--strict"], cwd=tmp_path, env=environment(home, **more),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert '"write_report"' in done.stdout
