"""What a user would do instead, fetched into environments of its own below .data."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from generate import DATA

MASSGEN = "massgen==0.1.97"
DUCKDB = "duckdb==1.4.2"
SEED = """grep -o '"command": "[^"]*"' {file} | sed 's/"command": "//;s/"$//' | sort | uniq -c | sort -rn | head -30"""
"""From MassGen's own skill."""
COUNT = """jq -r 'select(.event_type == "tool_start") | .data.args.command // empty' {file} | sort | uniq -c | sort -rn | head -30"""
OVERVIEW = r"""
jq '{finish: .finish_reason, results, agents: (.agents | map_values({status, error, times_restarted, token_usage}))}' status.json
jq '.totals, .meta' metrics_summary.json
jq '.session_metadata, (.events | group_by(.event_type) | map({(.[0].event_type): length}) | add)' coordination_events.json
jq '.events[] | select(.event_type == "agent_timeout" or .event_type == "agent_error")' coordination_events.json
jq '.events[] | select(.event_type == "new_answer" or .event_type == "vote_cast")' coordination_events.json
cat agent_*/*/vote.json | jq .reason
jq -r 'select(.event_type == "tool_complete") | .data.result | (fromjson? // {}) | objects | .exit_code // empty' events.jsonl | sort | uniq -c
"""
"""Correctness, restarts, cost, errors and failed commands, by the files that the skill names for them."""
DRAFT = (
    OVERVIEW
    + COUNT.format(file="events.jsonl")
    + r"""
jq '.agents[].reliability' status.json
jq -r 'select(.event_type == "tool_complete") | [.data.tool_name, .data.elapsed_seconds] | @tsv' events.jsonl | sort -k2 -rn | head -30
grep -n "ERROR\|WARNING" massgen.log | head -100
grep -c "^### Tool Call" agent_*/*/execution_trace.md
"""
)


@cache
def massgen() -> Path | None:
    """Its environment: MASSGEN_VENV names one that exists."""
    if given := os.environ.get("MASSGEN_VENV"):
        return Path(given)
    return _environment("massgen", MASSGEN, "mcp<2")  # it can't import a later one


@cache
def duckdb() -> Path | None:
    """DuckDB's."""
    return _environment("duckdb", DUCKDB)


def _environment(name: str, *requirements: str) -> Path | None:
    folder = DATA / "peers" / name
    if not (folder / ".ready").exists():
        print(f"fetching {', '.join(requirements)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        done = subprocess.run(
            [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements], check=False
        )
        if done.returncode:
            return None
        (folder / ".ready").touch()
    return folder


def skill() -> Path | None:
    """MassGen's own skill, in its package."""
    base = massgen()
    return (
        next(iter(base.glob("lib/python*/site-packages/massgen/skills/massgen-log-analyzer/SKILL.md")), None)
        if base
        else None
    )


def rounds_script() -> str | None:
    """The skill's program for the time of each round, word for word."""
    path = skill()
    match = re.search(r"python - <<'PY'\n(.*?)\nPY\n", path.read_text(), re.S) if path else None
    return match[1] if match else None


def shell(script: str) -> list[str]:
    """A command for it."""
    return ["sh", "-c", script]


def version(program: str) -> str:
    """What a program says of its version."""
    path = shutil.which(program)
    return (
        subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
        if path
        else "not here"
    )


def quoted(path: Path) -> str:
    """For a shell."""
    return shlex.quote(str(path))
