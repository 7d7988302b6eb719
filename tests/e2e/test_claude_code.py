"""Plugin, skill and server in the real Claude Code: every way to install them, and the workflow to the saved report."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from claude_code import CLAUDE, ROOT, SHIPPED, UV, claude, environment

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
