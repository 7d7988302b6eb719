"""Self-analysis with the real MassGen, in an environment of its own, against a scripted model on loopback."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from scripted_model import Call, Model, served

from massgen_logs import cli
from massgen_logs.report.check import problems

ROOT = Path(__file__).parents[2]
MASSGEN = ROOT / ".massgen-venv" / "bin" / "massgen"
LOG = "log_20261122_104800_969289"
WHERE = {"log": LOG, "turn": 1}
PERSPECTIVES = {
    "gpt-4o-mini": ("vote_reasons", "find_errors"),
    "gpt-4o": ("time_breakdown", "repeated_commands"),
    "gpt-4.1-mini": ("answer_progression", "duplicated_work"),
}
"""The model of each agent, in the order of the configuration, and the tools that its script asks."""
PLACES = 22  # counted in the draft of examples/finished


def decide(model: str, phase: str, turn: int) -> list[Call]:
    """Each agent reads, answers with a text for every place, and votes; the presenter leaves place 5 out."""
    if phase == "answer":
        asked = (("run_overview", "draft_report"), PERSPECTIVES[model])
        return [(tool, WHERE) for tool in asked[turn]] if turn < 2 else [("new_answer", {"content": text(model)})]
    if phase == "vote":  # after a call MassGen hands over the answers that came meanwhile: no vote is ignored
        return [("list_logs", {})] if turn == 0 else [("vote", {"agent_id": "agent1", "reason": "most evidence"})]
    return [("draft_report", WHERE)] if turn == 0 else [("new_answer", {"content": text("all", without=5)})]


def text(who: str, without: int = 0) -> str:
    return "\n".join(f"### Place {n}\n{who} on place {n}." for n in range(1, PLACES + 1) if n != without)


def test_three_agents_read_vote_and_the_report_lands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The agents of the real MassGen call our tools and vote; the presenter's texts, and the winner's where it has none, are
    in a report that passes the checks; nothing else in the analysed tree has changed."""
    if not MASSGEN.exists():
        pytest.skip("MassGen is not installed in .massgen-venv: `make .massgen-venv/.ready`")
    shutil.copytree(ROOT / "examples" / "finished" / ".massgen" / "massgen_logs", tmp_path / "logs", symlinks=True)
    turn = tmp_path / "logs" / LOG / "turn_1"
    for report in turn.glob("ANALYSIS_REPORT*"):
        report.unlink()
    (tmp_path / "home").mkdir()
    before = contents(tmp_path / "logs")
    for name, value in {
        "HOME": tmp_path / "home",
        "XDG_CACHE_HOME": tmp_path / "cache",
        "MASSGEN_COMMAND": MASSGEN,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("OPENAI_API_KEY", "scripted")
    monkeypatch.delenv("LOGFIRE_READ_TOKEN", raising=False)
    monkeypatch.delenv(
        "PYTHONDONTWRITEBYTECODE", raising=False
    )  # MassGen compiles for half a minute once, not each time
    with served(Model(decide)) as model:
        code = cli.main([
            "analyze", "--mode", "self", "--logs-dir", str(tmp_path / "logs"), "--log", LOG, "--turn", "1",
            "--base-url", model.url, "--model", *PERSPECTIVES,
        ])  # fmt: skip
    printed = capfd.readouterr()
    assert code == 0, printed.err
    report = (turn / "ANALYSIS_REPORT.md").read_text()
    assert problems(report, ground_truth=False, agents=["agent_a", "agent_b"]) == []
    assert sorted(map(int, re.findall(r"all on place (\d+)\.", report))) == [n for n in range(1, PLACES + 1) if n != 5]
    winner = re.findall(r"(\S+) on place 5\.", report)
    assert len(winner) == 1
    assert winner[0] in PERSPECTIVES
    assert "lacks places 5:" in printed.err
    assert "LOGFIRE_READ_TOKEN is not set" in printed.err
    for name, tools in PERSPECTIVES.items():
        results = model.results(name)
        for tool in ("run_overview", "draft_report", *tools):
            assert any(f"{tool} · {LOG} · turn 1" in result for result in results), f"{name} had no answer of {tool}"
    offered = {tool["function"]["name"] for body in model.requests for tool in body["tools"]}
    assert not any("write" in name or "execute" in name or "file" in name for name in offered)
    after = contents(tmp_path / "logs")
    assert {name for name in after if after[name] != before.get(name)} == {
        f"{LOG}/turn_1/ANALYSIS_REPORT.md", f"{LOG}/turn_1/ANALYSIS_REPORT.json",
    }  # fmt: skip
    assert before.keys() <= after.keys()
    assert len(list((tmp_path / "cache").glob("massgen-logs/self-analysis/*/massgen_logs/log_*"))) == 1
    registered = [path.read_text() for path in (tmp_path / "home").rglob("sessions.json")]
    assert not any("session_" in text for text in registered)


def contents(folder: Path) -> dict[str, Any]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
