"""Secrets in every file kind and every field of a run: none leaves by any tool, page, error, report or command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mcp import Client

from massgen_logs.errors import MassgenLogError
from massgen_logs.mcp_server import make_server
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import NAMES, get
from security.planted import escaped, in_context, private_key, tokens, traces

TREES = (
    "s2_three_agents_0.1.97",
    "s3_enforcement_0.1.55",
    "s1_clean_0.1.12",
    "s8a_debug_0.1.97",
    "s5b_orch_timeout_one_answer_0.1.97",
)
KEPT = re.compile(
    r"id$|type|label|agent|winner|time|status|version|state|round|session|path|stamp|voted_for|model|backend|result|chunk|hook|^tool_name$|^name$|usage"
)
"""Fields that hold an id, a time or a state: with a secret in them the file would be another one."""
WORDS = {
    "content",
    "reason",
    "details",
    "question",
    "query",
    "command",
    "error",
    "message",
    "final_answer_preview",
    "text",
    "answer",
    "detail",
    "injection_content",
}


class Planter:
    """Gives each place the next secret and keeps them all."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.files: set[str] = set()
        self._grams: tuple[int, dict[str, str]] = (0, {})
        self._ready = [secret for _, secret in tokens(11, 8)]
        self._context = [(s, text) for seed in range(20, 60) for _, s, text in in_context(seed)]

    def next(self) -> str:
        """A text with a secret in it, a token and a value in context in turn."""
        if len(self.secrets) % 3 == 2:
            secret, text = self._context.pop(0)
        else:
            secret = self._ready[len(self.secrets) % len(self._ready)]
            text = f"here {secret} there"
        self.secrets.append(secret)
        return text

    def json(self, value: object, key: str = "") -> object:
        """A JSON value with a secret in every text that may hold words."""
        if isinstance(value, dict):
            return {k: self.json(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.json(item, key) for item in value]
        if isinstance(value, str) and key in WORDS and value and len(self.secrets) < 900:
            return f"{value} {self.next()}"
        return value

    def file(self, path: Path) -> None:
        """Plants into one file, by its kind."""
        text = path.read_text(encoding="utf-8", errors="replace")
        before = len(self.secrets)
        if path.suffix == ".json":
            path.write_text(json.dumps(self.json(json.loads(text))))
        elif path.suffix == ".jsonl":
            path.write_text(
                "".join(json.dumps(self.json(json.loads(line))) + "\n" for line in text.splitlines() if line.strip())
            )
        elif path.suffix == ".yaml":
            data = self.json(yaml.safe_load(text))
            data["config"]["orchestrator"] = {
                **(data["config"].get("orchestrator") or {}),
                "note": self.next(),
                "api_key": self.bare(),
            }
            path.write_text(yaml.safe_dump(data))
        elif path.name == "massgen.log" or path.name == "massgen_debug.log":
            path.write_text(
                re.sub(
                    r"(Stream chunk \[content\]: [^\n]+)",
                    lambda m: f"{m[1]} {self.next()}" if len(self.secrets) < 900 else m[1],
                    text,
                )
            )
        elif path.suffix in {".md", ".txt", ".log"}:
            lines = text.split("\n")
            at = len(lines) // 2
            extra = [f"error: {self.next()}"] if path.name.endswith("stderr.log") else [self.next()]
            path.write_text("\n".join([*lines[:at], *lines[at:], *extra]))
        if len(self.secrets) > before:
            self.files.add(re.sub(r"agent_\w|mcp_\w+_stderr", "*", path.name))

    def grams(self) -> dict[str, str]:
        """Every stretch of 12 characters of every secret, without the provider's prefix."""
        if len(self._grams[1]) == 0 or self._grams[0] != len(self.secrets):
            bodies = [(s, s if len(s) < 24 else s[12:]) for s in self.secrets]
            self._grams = len(self.secrets), {body[i : i + 12]: s for s, body in bodies for i in range(len(body) - 11)}
        return self._grams[1]

    def bare(self) -> str:
        """A secret that only its key shows."""
        secret, _ = self._context.pop(0)
        self.secrets.append(secret)
        return secret


def planted(root: Path) -> Planter:
    """Plants into every file that MassGen wrote below `root`."""
    planter = Planter()
    for path in sorted(root.rglob("*")):
        if (
            path.is_file()
            and not path.is_symlink()
            and "workspace" not in path.parts
            and path.suffix in {".json", ".jsonl", ".yaml", ".md", ".txt", ".log"}
        ):
            planter.file(path)
    return planter


SPANS = (
    '[{"span_name": "coordination.session", "attributes": {"massgen.task": "?"}},'
    ' {"span_name": "Final answer from agent_a", "attributes": {"answer_preview": "?"}}]'
)
"""Spans that differ from any log, so that reconcile shows the log's own texts."""


def answers(root: Path, logs: list[str]) -> Iterator[tuple[str, str]]:
    """(what, text) of everything that the tools can say about these logs: all tools, both forms, all pages."""
    for name in NAMES:
        tool = get(name)
        if name == "write_report":
            continue
        if tool.needs == "root":
            calls = (
                [{"logs": logs}] if name == "compare_runs" and len(logs) > 1 else [] if name == "compare_runs" else [{}]
            )
            if name == "query_records":
                calls = [{"log": "all", "sql": "SELECT * FROM records"}]
        else:
            calls = [{"log": log} for log in logs]
        for arguments in calls:
            variants = [arguments]
            if name == "read_trace":
                overview = call(get("run_overview"), {"logs_dir": str(root), **arguments}).data
                variants = [{**arguments, "agent": agent} for agent in overview["agents"]]
            elif name == "reconcile":
                variants = [{**arguments, "spans": SPANS}]
            elif name == "answer_progression":
                rows = call(tool, {"logs_dir": str(root), **arguments}).data["answers"]
                variants += [{**arguments, "label": row["label"]} for row in rows if row["label"]]
            elif name == "repeated_commands":
                variants.append({**arguments, "min_count": 1})
            for variant in variants:
                yield from pages(name, {"logs_dir": str(root), **variant})


def pages(name: str, arguments: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Every page of one call, as text and as JSON; an error is an answer too."""
    cursor: dict[str, object] = {}
    for _ in range(200):
        try:
            answer = call(get(name), {**arguments, **cursor})
        except MassgenLogError as error:
            yield f"{name} {arguments} error", str(error)
            return
        yield f"{name} {arguments}", answer.text()
        yield f"{name} {arguments} --json", json.dumps(answer.json(), default=str, ensure_ascii=False)
        following = answer.page and answer.page.next_cursor
        if not following:
            return
        cursor = {"cursor": following}
    raise AssertionError("pages never end")


def leaks(planter: Planter, text: str) -> list[str]:
    """The secrets of which a stretch stands in the text."""
    plain = text.replace("\n", "").replace("\\n", "")
    grams = planter.grams()
    return sorted({grams[piece] for at in range(len(plain) - 11) if (piece := plain[at : at + 12]) in grams})


@pytest.mark.parametrize("name", TREES)
def test_no_planted_secret_leaves(name: str, copy_of, figure) -> None:
    """All tools, all pages, text and JSON, of a run with a secret in every text of every file."""
    root = copy_of(name)
    planter = planted(root)
    logs = [p.name for p in root.iterdir() if p.name.startswith("log_")]
    assert len(set(planter.secrets)) >= 40
    seen = 0
    for what, text in answers(root, logs):
        assert not leaks(planter, text), (what, leaks(planter, text))
        seen += text.count("[masked:")
    assert seen > 20
    figure(
        "secrets",
        "{planted} planted in {runs} runs, {left} left in any answer, page or error",
        planted=len(set(planter.secrets)),
        runs=1,
        left=0,
    )


def test_every_file_kind_is_planted(copy_of) -> None:
    """At least 200 secrets, and one in each kind of file that the sample runs have."""
    files: set[str] = set()
    total: list[str] = []
    for name in TREES:
        planter = planted(copy_of(name))
        files |= planter.files
        total += planter.secrets
    assert len(set(total)) >= 200
    assert {
        "events.jsonl", "status.json", "coordination_events.json", "execution_metadata.yaml", "massgen.log", "execution_trace.md", "answer.txt",
        "context.txt", "vote.json", "*.txt", "*.log",
    } <= files  # fmt: skip


async def test_the_mcp_surface_and_its_errors_are_masked(copy_of) -> None:
    """The same by the MCP server, and what a caller's mistake brings back."""
    root = copy_of(TREES[0])
    planter = planted(root)
    secret = tokens(12)[0][1]
    async with Client(make_server(str(root))) as client:
        for name in NAMES:
            if name in {"write_report", "compare_runs"}:
                continue
            arguments = {"agent": "agent_a"} if name == "read_trace" else {}
            arguments |= {"sql": "SELECT * FROM records"} if name == "query_records" else {}
            arguments |= {"spans": SPANS} if name == "reconcile" else {}
            told = str(await client.call_tool(name, arguments))
            assert not leaks(planter, told), name
            if get(name).needs != "root":
                wrong = str(await client.call_tool(name, {**arguments, "log": secret}))
                assert secret not in wrong
                assert "[masked:" in wrong


def test_errors_on_the_command_line_are_masked(copy_of, run_cli) -> None:
    """Also of a file that can't be read."""
    root, secret = copy_of(TREES[0]), tokens(13)[0][1]
    for arguments in (
        ["run-overview", "--logs-dir", str(root), "--log", secret], ["list-logs", "--logs-dir", f"/nowhere/{secret}"],
        ["write-report", "--logs-dir", str(root), "--content", f"@/nowhere/{secret}"], ["read-trace", "--logs-dir", str(root), "--agent", secret],
    ):  # fmt: skip
        code, out, err = run_cli(*arguments)
        assert code == 2
        assert secret not in out + err
        assert "[masked:" in err


def test_a_written_report_and_its_data_are_masked(copy_of) -> None:
    """ANALYSIS_REPORT.md and .json, of a draft from a planted run, with a key and a bare value of the run in the author's words."""
    root = copy_of(TREES[0])
    planter = planted(root)
    own = private_key(5)
    bare = next(s for s in planter.secrets if s.isalnum() and len(s) == 26)
    draft = call(get("draft_report"), {"logs_dir": str(root)}).data["markdown"]
    filled = re.sub(r"\[\[JUDGE.*?\]\]", "Nothing to add.", draft, flags=re.S).replace(
        "Nothing to add.", f"Nothing to add: {bare}\n\n{own}\n", 1
    )
    written = call(get("write_report"), {"logs_dir": str(root), "content": filled})
    for path in (written.data["path"], written.data["data_path"]):
        text = Path(path).read_text()
        assert not leaks(planter, text)
        assert not any(traces(line, text) for line in own.split("\n")[1:-1])
    assert not leaks(planter, written.text())


PASSWORD = "Zq7pW4kX"
"""Known by the @ behind it alone, and too short to be known again by its beginning."""


@pytest.mark.parametrize("at", [50, 60, 80, 200])
def test_a_cut_through_a_secret_shows_no_half(at: int, copy_of) -> None:
    """Rules cut commands after 50, 60 or 80 characters, records after 200; a password stands across that edge in
    commands that ran again or failed, in a failure's message, and in an error that exit code 0 hides."""
    root = copy_of("s1_clean_0.1.97")
    file = next(root.glob("*/turn_1/attempt_1/events.jsonl"))
    events = [json.loads(line) for line in file.read_text().splitlines()]

    def across(begin: str) -> str:
        return f"{begin} ".ljust(at - len(" ftp://u:") - 4, "x") + f" ftp://u:{PASSWORD}@host/y"

    stderr = {"npm test": across("npm error"), "ls -R": across("ls: No such file or directory")}
    last: dict[str, str] = {}
    for event in events:
        data = event["data"]
        if event["event_type"] == "tool_start":
            last[event["agent_id"]] = data["args"].get("command", "")
            if last[event["agent_id"]] in {"npm install", "npm test"}:
                data["args"]["command"] = across(last[event["agent_id"]])
        elif event["event_type"] == "tool_complete" and last.get(event["agent_id"]) in stderr:
            result = json.loads(data["result"])
            data["result"] = json.dumps({**result, "stderr": stderr[last[event["agent_id"]]]})
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    given = {"logs_dir": str(root)}
    for tool in (
        "run_overview",
        "repeated_commands",
        "find_errors",
        "draft_report",
        "duplicated_work",
        "time_breakdown",
    ):
        answer = call(get(tool), dict(given))
        assert PASSWORD[:3] not in answer.text() + answer.dumps().decode(), tool
    told = call(get("run_overview"), dict(given)).data["findings"]
    words = {f["rule"]: f["sentence"] for f in told}
    assert "npm install xxx" in words["again_after_restart"]
    assert "npm test xxx" in words["failure_before_end"]
    assert "ls: No such file" in words["hidden_by_pipe"]
    rows = call(get("query_records"), {**given, "sql": "SELECT message, otel_status_message FROM records"})
    assert PASSWORD[:3] not in rows.text() + rows.dumps().decode()


def test_an_answer_says_how_many_and_where(copy_of) -> None:
    """A count by kinds, the place in the files, the field; and the overview has a red flag."""
    root = copy_of("s1_clean_0.1.97")
    kind, secret = tokens(14)[0]
    attempt = next(root.glob("log_*/turn_1/attempt_1"))
    trace = next(attempt.glob("agent_a/*/execution_trace.md"))
    lines = trace.read_text().split("\n")
    trace.write_text("\n".join([*lines, f"the key is {secret}"]))
    answer = call(get("run_overview"), {"logs_dir": str(root)})
    flag = next(f for f in answer.data["red_flags"] if f["id"] == "secrets")
    where = f"{trace.relative_to(attempt)}:{len(lines) + 1}"
    assert flag["text"].startswith(f"1 secret stands in clear in the logs ({kind} 1), 1 place, in")
    assert flag["evidence"] == where
    final = next(attempt.glob("final/*/answer.txt"))
    final.write_text(f"{final.read_text()} {secret}"[-300:])
    answer = call(get("run_overview"), {"logs_dir": str(root)})
    assert answer.json()["masked_secrets"] == 1
    assert answer.json()["masked"][0]["tag"] == f"[masked:{kind}#1]"
    assert answer.json()["masked"][0]["field"] == "data.final_answer.preview"
    assert where in answer.json()["masked"][0]["places"]
    assert f"1 secret masked ({kind} 1; in " in answer.text()


def test_no_option_switches_masking_off(run_cli) -> None:
    """--show-secrets does not exist, in no command and no tool."""
    for name in NAMES:
        code = 0
        try:
            code, *_ = run_cli(name, "--show-secrets")
        except SystemExit as done:
            code = int(str(done.code))
        assert code == 2
        assert not any("secret" in argument or "mask" in argument for argument in get(name).parameters())


def test_escaped_helper() -> None:
    """The planted forms are what JSON writes."""
    assert json.loads(f'"{escaped("a" + chr(10))}"') == "a\n"
