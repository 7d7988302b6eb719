"""The commands that are no tools, and what `massgen logs` calls them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CORPUS
from massgen_logs.commands import ALIASES, COMMANDS
from massgen_logs.report import prompts
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import NAMES, get

ROOT = Path(__file__).parent.parent
CLEAN = "s1_clean_0.1.97"
SESSION = "log_20261122_104800_969289"
TWO = CORPUS / "s7a_multiturn_0.1.97" / ".massgen" / "massgen_logs"


def test_every_command_is_in_the_help_and_the_readme() -> None:
    """With a line that says what it does."""
    command = [sys.executable, "-m", "massgen_logs", "--help"]
    shown = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    readme = (ROOT / "README.md").read_text()
    for name in COMMANDS:
        assert f" {name} " in shown
        assert f"| `massgen-logs {name}" in readme, name
    for alias, name in ALIASES.items():
        assert f"{name} ({alias}) " in shown


def test_a_folder_that_is_a_log_names_it(run_cli) -> None:
    """--log-dir as `massgen logs` has it: not the newest log beside it, and not where --log says otherwise."""
    older, newer = sorted(path.name for path in TWO.glob("log_*"))[:2]
    for given in (TWO / older, TWO / older / "turn_1"):
        _, out, _ = run_cli("summary", "--log-dir", str(given))
        assert out.startswith(f"run_overview · {older} · turn 1 ")
    _, out, _ = run_cli("run-overview", "--log-dir", str(TWO / older), "--log", newer)
    assert out.startswith(f"run_overview · {newer} · ")
    _, out, _ = run_cli("run-overview", "--log-dir", str(TWO))
    assert out.startswith(f"run_overview · {newer} · ")
    _, out, _ = run_cli("list", "--log-dir", str(TWO / older), "--limit", "1")
    assert f"root: {TWO}\n" in out


def test_export_takes_the_named_log_too(tmp_path: Path, run_cli) -> None:
    """--log-dir names one log there as everywhere: another one is never handed on."""
    older = min(path.name for path in TWO.glob("log_*"))
    run_cli("export", "--parquet", str(tmp_path), "--log-dir", str(TWO / older))
    assert [folder.name for folder in tmp_path.glob("day=*/session=*")] == [f"session={older}"]


def test_the_list_filters_by_reports(copy_of, run_cli) -> None:
    """list --analyzed and --unanalyzed, as `massgen logs list` has them; not both at once."""
    root = copy_of("s7a_multiturn_0.1.97")
    older, newer = sorted(path.name for path in root.glob("log_*"))[:2]
    next((root / older).glob("turn_*")).joinpath("ANALYSIS_REPORT.md").write_text("# Report")
    for flag, there, not_there in (("--analyzed", older, newer), ("--unanalyzed", newer, older)):
        _, out, _ = run_cli("list", flag, "--logs-dir", str(root))
        assert f"|{there}|" in out
        assert f"|{not_there}|" not in out
    with pytest.raises(SystemExit):
        run_cli("list", "--analyzed", "--unanalyzed")


def test_analyze_prints_only_the_order(run_cli) -> None:
    """For the log and turn that were named, by position, by --log or by its folder."""
    root = CORPUS / CLEAN / ".massgen" / "massgen_logs"
    expected = prompts.analyze(SESSION, 1, str(root))
    for arguments in ([SESSION, "-t", "1", "--logs-dir", str(root)], ["--log", SESSION, "--turn", "1", "--logs-dir", str(root)],
                      ["--log-dir", str(root / SESSION), "--mode", "prompt", "--turn", "1"]):  # fmt: skip
        assert run_cli("analyze", *arguments) == (0, f"{expected}\n", "")
    code, out, err = run_cli("analyze", "--turn", "7", "--logs-dir", str(root))
    assert (code, out) == (2, "")
    assert f"{SESSION} has no turn 7" in err


@pytest.mark.parametrize("flag", [["--force"], ["--config", "x.yaml"], ["--ui", "automation"]])
def test_what_only_a_self_analysis_has_is_refused_without_it(flag: list[str], run_cli) -> None:
    """It would be ignored."""
    code, out, err = run_cli("analyze", "--logs-dir", str(CORPUS / CLEAN), *flag)
    assert (code, out) == (2, "")
    assert f"{flag[0]} needs --mode self" in err


def test_a_report_is_the_draft(tmp_path: Path, run_cli) -> None:
    """On standard output or in a new file; what is left to do is on standard error."""
    place = ["--logs-dir", str(CORPUS / CLEAN)]
    draft = call(get("draft_report"), {"logs_dir": str(CORPUS / CLEAN)}).data
    code, out, err = run_cli("report", *place)
    assert (code, out) == (0, draft["markdown"].rstrip() + "\n")
    assert err.startswith(f"{draft['to_fill']} [[JUDGE: ...]] places to fill in the draft; ")
    file = tmp_path / "draft.md"
    assert run_cli("report", *place, "--output", str(file))[:2] == (0, "")
    assert file.read_text() == out
    code, _, err = run_cli("report", *place, "-o", str(file))
    assert code == 2
    assert "exists already" in err
    assert "## 1." in run_cli("report", *place, "--language", "zh")[1]


@pytest.mark.parametrize("link", [False, True], ids=["", "by a link"])
def test_a_draft_is_not_written_into_a_log(link: bool, copy_of, tmp_path: Path, run_cli) -> None:
    """It would count as the report of its turn."""
    turn = copy_of(CLEAN) / SESSION / "turn_1"
    if link:
        (tmp_path / "door").symlink_to(turn)
    output = (tmp_path / "door" if link else turn) / "ANALYSIS_REPORT.md"
    code, _, err = run_cli("report", "--logs-dir", str(turn.parent.parent), "-o", str(output))
    assert code == 2
    assert "is inside a log" in err
    assert not (turn / "ANALYSIS_REPORT.md").exists()


def test_open_names_the_report_or_the_log(copy_of, run_cli) -> None:
    """--print: the session's folder, the turn's if a turn was asked for; the report where there is one, but for --folder."""
    root = copy_of(CLEAN)
    session = root / SESSION

    def shown(*more: str) -> str:
        code, out, err = run_cli("open", "--print", "--logs-dir", str(root), *more)
        assert (code, err) == (0, "")
        return out

    assert shown() == f"{session}\n"
    assert shown("--turn", "1") == f"{session / 'turn_1'}\n"
    (session / "turn_1" / "ANALYSIS_REPORT.md").write_text("# Report")
    assert shown() == f"{session / 'turn_1' / 'ANALYSIS_REPORT.md'}\n"
    assert shown("--folder") == f"{session}\n"
    (session / "turn_1" / "ANALYSIS_REPORT.md").unlink()
    (session / "turn_1" / "ANALYSIS_REPORT.md").symlink_to("/bin/true")
    assert shown() == f"{session}\n"


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="has another opener")
def test_open_hands_one_path_to_the_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli) -> None:
    """To xdg-open on a desktop, and to nothing without one."""
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$#" "$1" >> {tmp_path}/opened\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":9")
    root = CORPUS / CLEAN / ".massgen" / "massgen_logs"
    assert run_cli("open", "--logs-dir", str(root)) == (0, f"{root / SESSION}\n", "")
    assert (tmp_path / "opened").read_text() == f"1\n{root / SESSION}\n"
    opener.write_text("#!/bin/sh\nexit 4\n")
    assert run_cli("open", "--logs-dir", str(root))[0] == 2
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, out, err = run_cli("open", "--logs-dir", str(root))
    assert (code, out) == (0, f"{root / SESSION}\n")
    assert "no desktop" in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_every_command(shell: str, run_cli) -> None:
    """And its arguments; its shell can read it, where that is installed."""
    code, script, err = run_cli("completion", shell)
    assert (code, err) == (0, "")
    for name in [*(name.replace("_", "-") for name in NAMES), *COMMANDS, *ALIASES]:
        assert name in script
    for argument in ("min-count", "log-dir", "interval", "mode"):
        assert argument in script
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes_commands_flags_choices_and_logs(tmp_path: Path, run_cli) -> None:
    """As a person presses Tab; logs are those of the working directory's .massgen, without starting Python."""
    (tmp_path / ".massgen" / "massgen_logs" / SESSION).mkdir(parents=True)
    _, script, _ = run_cli("completion", "bash")

    def completed(*words: str) -> list[str]:
        quoted = " ".join(f"'{word}'" for word in words)
        press = (
            f"COMP_WORDS=(massgen-logs {quoted}); COMP_CWORD={len(words)}; COMP_LINE='massgen-logs'; COMP_POINT=12\n"
        )
        ask = f"cd {tmp_path}\n{press}_shtab_massgen_logs massgen-logs '{words[-1]}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        done = subprocess.run(
            ["bash", "-c", script + ask], capture_output=True, text=True, check=False, env=environment
        )
        return done.stdout.split()

    assert completed("run-") == ["run-overview"]
    assert completed("analyze", "--mo") == ["--mode", "--model"]
    assert completed("analyze", "--mode", "s") == ["self"]
    assert completed("run-overview", "--log", "log_") == [SESSION]
    assert completed("run-overview", "--log", "la") == ["latest"]


def test_exit_codes_are_documented() -> None:
    """In the README: 0, 2, those of watch and that of Ctrl-C."""
    readme = (ROOT / "README.md").read_text()
    codes = readme[readme.index("Exit codes:") :].split("\n\n")[0]
    assert all(f"{code} " in codes for code in (0, 1, 2, 3, 130))


def test_a_number_with_a_fraction_is_one(run_cli) -> None:
    """--timeout-s of watch-run."""
    code, out, _ = run_cli("watch-run", "--timeout-s", "0.5", "--logs-dir", str(CORPUS / CLEAN))
    assert code == 0
    assert "nothing more is to come" in out


def test_a_list_as_json_is_the_tools(run_cli) -> None:
    """The alias takes every flag of the tool."""
    _, out, _ = run_cli("list", "--json", "--logs-dir", str(CORPUS / CLEAN))
    assert json.loads(out)["tool"] == "list_logs"
