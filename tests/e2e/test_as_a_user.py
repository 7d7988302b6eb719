"""The README's commands and the skill, as a new user meets them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_demo_leaves_and_prints_a_report(tmp_path: Path) -> None:
    """In a checkout's copy without any log around it."""
    for name in ("examples",):
        shutil.copytree(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("# MassGen Log Analysis Report")
    reports = list((tmp_path / ".demo").rglob("ANALYSIS_REPORT.md"))
    assert len(reports) == 1
    assert reports[0].read_text() == done.stdout
    assert "[[JUDGE" not in done.stdout


def test_the_demo_does_not_touch_a_real_log(tmp_path: Path) -> None:
    """It works on a copy of the newest log of the working directory."""
    shutil.copytree(ROOT / "examples", tmp_path / "checkout" / "examples")
    shutil.copytree(ROOT / "examples" / "broken" / ".massgen", tmp_path / ".massgen")
    for report in (tmp_path / ".massgen").rglob("ANALYSIS_REPORT.md"):
        report.unlink()
    command = [sys.executable, "examples/demo.py"]
    done = subprocess.run(command, cwd=tmp_path / "checkout", capture_output=True, text=True, check=True)
    assert "log_20261122_105349_622444" in done.stdout
    assert not list((tmp_path / ".massgen").rglob("ANALYSIS_REPORT.md"))


def test_the_readmes_excerpt_is_real(run_cli) -> None:
    """Each of its lines is a line of the answer about the bundled example."""
    excerpt = re.search(r"\$ massgen-logs run-overview\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert excerpt is not None
    code, out, _ = run_cli("run-overview", "--logs-dir", str(ROOT / "examples" / "finished"))
    assert code == 0
    lines = [line for line in excerpt[1].splitlines() if line != "..."]
    assert len(lines) > 5
    assert [line for line in lines if line not in out.splitlines()] == []


def test_the_skill_is_valid(tmp_path: Path) -> None:
    """By the validator of the Agent Skills specification; links lead to files beside it; it is short."""
    folder = tmp_path / "massgen-log-analyzer"
    folder.mkdir()
    shutil.copy(ROOT / "SKILL.md", folder)
    shutil.copytree(ROOT / "skill_assets", folder / "skill_assets")
    validator = Path(sys.executable).with_name("agentskills")
    done = subprocess.run([str(validator), "validate", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "SKILL.md").read_text()
    assert len(text.splitlines()) < 300
    assert len(text) / 4 < 5000
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    assert all((folder / link).is_file() for link in links)
    assert {Path(link).name for link in links} == {p.name for p in (folder / "skill_assets").glob("*.md")}


def test_versions_and_names_agree() -> None:
    """Of plugin, marketplace and package; checks elsewhere rely on the names."""
    made = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())
    market = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_text())
    servers = json.loads((ROOT / ".mcp.json").read_text())["mcpServers"]
    project = (ROOT / "pyproject.toml").read_text()
    assert made["name"] == market["plugins"][0]["name"] == "massgen-log-analyzer"
    assert f'version = "{made["version"]}"' in project
    assert made["description"] == market["plugins"][0]["description"]
    assert set(servers) == {"massgen-logs", "logfire"}
