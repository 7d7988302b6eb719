"""Small log trees in MassGen's own formats, for situations that the sample corpus does not hold.

`build_all(dest)` writes `dest/<name>/.massgen/massgen_logs/...` and `dest/<name>/truth.json` (the corpus's schema).
`Tree` plays MassGen's part and follows the sources of 0.1.0, 0.1.12, 0.1.36, 0.1.45, 0.1.55 and 0.1.97; a scenario says
what the agents do, and beside it stands, written by hand, what a careful reader can know from the tree.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import re
import sys
from collections.abc import Callable
from typing import Any

# fmt: off
# (a table of facts from here on: rows are wrapped by hand)
Json = dict[str, Any]
Scenario = Callable[[pathlib.Path, float], list[Json]]
EXEC = "mcp__command_line__execute_command"
CWD = "/home/user/project"
QUESTION = "What is the sum of the integers from 1 to 100?"
BASE = 1794300000.0  # 2026-11-10 08:40:00 UTC; the local time of the logs is UTC
PAIR = {"agent_a": "chatcompletion:gpt-4o-mini", "agent_b": "chatcompletion:gpt-4o"}
NPM = "\nadded 187 packages, and audited 188 packages in 412ms\n\nfound 0 vulnerabilities\n"
NOTEST = 'npm error Missing script: "test"\n'
WORKFLOW = "You must use workflow tools (vote or new_answer) to complete the task."
BADVOTE = "Invalid agent_id 'agent9'. Valid agents: agent1, agent2"
CHUNK_FIELDS = [
    "type", "content", "tool_calls", "complete_message", "response", "usage", "error", "source", "status", "detail",
    "reasoning_delta", "reasoning_text", "reasoning_summary_delta", "reasoning_summary_text", "item_id",
    "content_index", "summary_index", "hook_info", "tool_call_id",
]
COUNTS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_input_tokens")
OWN_TOOLS = ("claude_code", "codex")  # these clients run their tools themselves: MassGen measures none
CONVENTIONS = (
    "As in the sample corpus. Extra: tokens_true = what was served where the recorded figure is wrong; votes_meant = "
    "whom the voters named; agent_restart_events = those of events.jsonl. Written by hand in tests/synthetic.py."
)


class Raw(str):
    """A text whose repr is itself (enum members inside Python reprs)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def stamp(t: float, form: str = "%Y%m%d_%H%M%S_%f") -> str:
    return dt.datetime.fromtimestamp(t, dt.UTC).strftime(form)


def yaml(value: Any, pad: str = "") -> str:
    """Block YAML as PyYAML writes it, for plain values, dicts and lists of dicts."""
    if isinstance(value, dict):
        deep = {k: isinstance(v, dict | list) and v for k, v in value.items()}
        inner = {k: pad + "  " * isinstance(v, dict) for k, v in value.items()}
        texts = {k: f"\n{yaml(v, inner[k])}" if deep[k] else f" {yaml(v)}\n" for k, v in value.items()}
        return "".join(f"{pad}{k}:{text}" for k, text in texts.items())
    if isinstance(value, list):
        return "".join(f"{pad}- {yaml(v, pad + '  ')[len(pad) + 2:]}" for v in value)
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_/.][\w ./?-]*|\d+\.\d+\.\d+", value):
        return value
    return json.dumps(value, ensure_ascii=False)


class Agent:
    """One agent of a run, as MassGen's tracker and backend know it."""

    def __init__(self, name: str, backend: str, model: str) -> None:
        self.id, self.backend, self.model = name, backend, model
        self.rnd, self.execs, self.shown, self.begun = 0, -1, 0, 0.0  # coordination round, executions, round_number
        self.traced = 0.0  # when its execution or its last retry began
        self.answers: list[tuple[str, str, float]] = []  # label, text, time
        self.context: dict[str, tuple[str, str, str]] = {}  # label -> owner, tag, text that it was shown
        self.voted, self.pending, self.requests, self.calls = False, False, 0, 0
        self.error: Json | None = None
        self.total, self.now = [0, 0, 0, 0, 0.0], [0, 0, 0, 0, 0.0]  # COUNTS and dollars: all, of this round
        self.history: list[Json] = []
        self.tools: list[Json] = []
        self.enforced: list[Json] = []
        self.trace: list[str] = []
        self.errors: list[str] = []
        self.content, self.out = "", ""


class Tree:
    """Writes the files of one attempt as the given MassGen version would."""

    def __init__(
        self, root: pathlib.Path, version: str, agents: dict[str, str], *, start: float, question: str = QUESTION,
        debug: bool = False, config: Json | None = None, cli: Json | None = None, single: bool = False, turn: int = 1,
        before: Tree | None = None,
    ) -> None:
        self.version, self.v, self.t, self.t0 = version, int(version.rpartition(".")[2]), start, start
        self.question, self.debug, self.turn, self.single = question, debug, turn, single
        self.session = before.session if before else "log_" + stamp(start, "%Y%m%d_%H%M%S" + "_%f" * (self.v > 0))
        levels = [f"turn_{turn}"] * (self.v >= 12) + ["attempt_1"] * (self.v >= 24)
        self.rel = "/".join([".massgen/massgen_logs", self.session, *levels])
        self.dir = root / self.rel
        self.ag = {a: Agent(a, *model.split(":")) for a, model in agents.items()}
        for a, old in before.ag.items() if before else ():  # interactive: the backends live on, with their counters
            new = self.ag[a]
            new.total, new.history, new.tools = list(old.total), list(old.history), list(old.tools)
            new.calls, new.requests = old.calls, old.requests
        self.config, self.cli, self.quiet = config or {}, cli, bool(cli)
        self.events: list[Json] = []
        self.coords: list[Json] = []
        self.lines: list[str] = []
        self.streamed: list[str] = []
        self.votes: list[tuple[str, str, str, str]] = []  # voter, target, label, reason
        self.snapshots: Json = {}
        self.winner: str | None = None
        self.final: str | None = None
        self.timeout: str | None = None
        self.frozen: Json | None = None
        self.presenting, self.polls = False, 0

    # -- small writers -------------------------------------------------------------------------------------------------
    def put(self, name: str, content: str | Json) -> None:
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")

    def tick(self, seconds: float = 0.213) -> None:
        self.t, self.polls = self.t + seconds, self.polls + 3

    def iso(self) -> str:
        return dt.datetime.fromtimestamp(self.t, dt.UTC).replace(tzinfo=None).isoformat()

    def number(self, a: str) -> int:
        """N of the labels agentN.K."""
        return (sorted(self.ag) if self.v >= 61 else list(self.ag)).index(a) + 1

    def mapping(self) -> dict[str, str]:
        """The ids that the model sees."""
        ids = sorted(self.ag if self.v >= 39 else self.answered())
        return {f"agent{i}": a for i, a in enumerate(ids, 1)}

    def anon(self, a: str) -> str:
        return next((k for k, v in self.mapping().items() if v == a), "agent?")

    def answered(self) -> dict[str, Agent]:
        return {a: g for a, g in self.ag.items() if g.answers}

    def event(self, kind: str, a: str | None = None, **data: Any) -> None:
        """A line of events.jsonl, and what the event writer makes of it in agent_outputs."""
        if self.v < 46 or self.debug:
            return
        number = self.ag[a].shown if a else 0
        line: Json = {"timestamp": self.iso(), "event_type": kind, "agent_id": a, "round_number": number}
        self.events.append(line | {"data": data})
        if a and kind in ("text", "thinking", "final_answer"):
            self.ag[a].out += data["content"]
        elif a and kind in ("tool_start", "tool_complete", "status"):
            text = data.get("message") or f"🔧 Calling {data['tool_name']}({str(data.get('args'))[:200]})"
            if kind == "tool_complete":
                mark = "❌" if data["is_error"] else "✅"
                text = f"{mark} {data['tool_name']} completed ({data['elapsed_seconds']:.1f}s): {data['result'][:500]}"
            self.ag[a].out += f"\n[{stamp(self.t, '%H:%M:%S')}] {text}\n"

    def coord(self, kind: str, a: str | None, details: str, **context: Any) -> None:
        context |= {"iteration": self.polls, "round": self.ag[a].rnd if a else max(g.rnd for g in self.ag.values())}
        entry = {"timestamp": self.t, "event_type": kind, "agent_id": a, "details": details, "context": context}
        self.coords.append(entry)

    def log(self, text: str, level: str = "INFO", source: str = "massgen.orchestrator:_coordinate_agents:2210") -> None:
        clock = stamp(self.t, "%H:%M:%S.%f")
        head = f"{clock[:12]} | {level: <8} | {source} - " if self.debug else f"{clock[:8]} | {level: <8} | "
        self.lines.append(head + text)

    def chunk(self, a: str, kind: str, text: str) -> None:
        source = f"orchestrator.{a}:_stream_coordination_with_agents:2551:log_stream_chunk:1251"
        self.log(f"Stream chunk [{kind}]: {text}", source=source)

    def show(self, a: str, text: str) -> None:
        """The display's own writer of agent_outputs/<agent>.txt."""
        self.ag[a].out += text

    def stream(self, **given: Any) -> None:
        """A chunk's repr: streaming_debug.log (0.1.28 - 0.1.45), massgen.log (0.1.12)."""
        if not 12 <= self.v <= 45:
            return
        absent = {12: ["usage", "detail", *CHUNK_FIELDS[-2:]], 36: CHUNK_FIELDS[-2:]}.get(self.v, [])
        line = f"StreamChunk({', '.join(f'{k}={given.get(k)!r}' for k in CHUNK_FIELDS if k not in absent)})"
        if given.get("cut"):  # openai
            text = given["content"] if len(given["content"]) <= 50 else given["content"][:50] + "..."
            tail = "".join(f", {k}={given[k]!r}" for k in ("status", "source") if given.get(k))
            line = f"TextStreamChunk(type={given['cut']}, content='{text}'{tail})"
        line = f"🔹 [chat] Yielding chunk: {line}"
        if self.v == 12:
            self.log(line)
        else:
            self.streamed.append(f"{stamp(self.t, '%H:%M:%S.%f')[:12]} | {line}")

    # -- a run's steps -------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        if self.quiet:
            self.log(f"Starting turn {self.turn}")
        self.log(f"Logging enabled - logging INFO+ to file: {self.rel}/massgen{'_debug' * self.debug}.log")
        if self.v >= 28 and not self.debug:
            name = "Events log" if self.v >= 46 else "Streaming debug log"
            self.log(f"{name}: {self.rel}/{'events.jsonl' if self.v >= 46 else 'streaming_debug.log'}")
        self.metadata()
        self.tick(0.4)
        self.t0 = self.t
        for _ in range(2):
            self.coord("session_start", None, f"Started with agents: {list(self.ag)}")
        preparing = f"Preparing {len(self.ag)} agent environments..."
        for text in ("Initializing coordination...", preparing, "Agents working on task..."):
            self.event("system_status", message=text)
        for a in self.ag:
            self.start(a)

    def metadata(self, **failure: str) -> None:
        if self.v < 12:
            return
        entries = [
            {"id": a, "backend": {"type": g.backend, "model": g.model, "cwd": a, "enable_mcp_command_line": True}}
            for a, g in self.ag.items()
        ]
        config: Json = {"agent": entries[0]} if self.single else {"agents": entries}
        config |= {"orchestrator": {"voting_sensitivity": "balanced"}}
        config |= {"timeout_settings": {"orchestrator_timeout_seconds": 150}} | self.config
        args: Json = {"question": self.question, "config": f"{CWD}/config.yaml", "debug": self.debug}
        args |= {"automation": True, "session_id": None, "continue_session": False} | failure
        data: Json = {"query": self.question, "timestamp": self.iso(), "config_path": f"{CWD}/config.yaml"}
        data |= {"config": config | {"ui": {"display_type": "simple"}}, "cli_args": self.cli or args}
        data |= {"python_version": "3.11.7 (main) [GCC 12.2.0]", "massgen_version": self.version}
        data["working_directory"] = CWD
        self.put("execution_metadata.yaml", yaml(data))
        self.log(f"Saved execution metadata to: {self.rel}/execution_metadata.yaml")

    def start(self, a: str) -> None:
        """A new execution of the agent, with the answers that exist now."""
        g, known = self.ag[a], self.answered()
        self.tick(0.05)
        g.execs, g.pending, g.voted, g.context = g.execs + 1, False, False, {}
        for x in known:
            self.see(a, x)
        self.log(f"[Orchestrator] Agent {a} starting execution loop...")
        self.log(f"[Orchestrator] Agent {a} workflow enforcement attempt 1/3")
        seen = f"normalized answers: { {x: y.answers[-1][1] for x, y in known.items()} }"
        self.log(f"[Orchestrator] Agent {a} sees {seen if known else 'no existing answers'}")
        twice = (g.execs == 0 and self.v in (36, 45)) or (g.execs == 1 and self.v == 55)  # S17
        for again in range(2 if twice else 1):
            g.shown = g.execs if self.v >= 69 else g.rnd
            self.event("round_start", a)
            if self.v >= 62:
                row = {"id": "E1", "text": "The answer is right.", "category": "standard", "verify_by": None}
                self.event("evaluation_criteria_set", criteria=[row], source="changedoc")
            if g.context:
                self.event("context_received", a, context_labels=list(g.context))
            shown = {"available_answers": [self.anon(x) for x in known], "available_answer_labels": list(g.context)}
            shown |= {"answer_count": len(known), "has_conversation_history": self.turn > 1}
            self.coord("context_received", a, f"Received context with {len(known)} answers", **shown)
            self.coord("status_change", a, "Changed to status: streaming")
            g.begun = g.traced = self.t
            if twice and not again:
                self.close(g, "restarted")
        if g.execs:
            g.shown = g.execs + 1
            self.event("agent_restart", a, restart_round=g.execs + 1, restart_reason="new answer")
        g.trace, g.content, g.errors = [], "", []
        self.thread(g)

    def see(self, a: str, source: str) -> None:
        """The agent is shown the newest answer of another: by label from 0.1.52 on, by anonymous id before."""
        label, text, _ = self.ag[source].answers[-1]
        self.ag[a].context[label] = (source, label if self.v >= 52 else self.anon(source), text)

    def say(self, a: str, text: str) -> None:
        self.tick()
        self.event("text", a, content=text)
        self.stream(type="content", content=text)
        self.chunk(a, "content", text)
        self.show(a, text)
        self.ag[a].content += text if self.ag[a].backend in OWN_TOOLS else ""

    def think(self, a: str, text: str) -> None:
        g = self.ag[a]
        self.tick(0.1)
        self.event("thinking", a, content=text, done=False)
        if g.backend == "openai":
            self.stream(cut="reasoning_summary", content=text, source="response_api")
            self.chunk(a, "reasoning_summary", text)
            self.show(a, f"📋 [Reasoning Summary]\n{text}\n📋 [Reasoning Summary Complete]\n{text}\n")
        else:
            self.event("thinking", a, content="", done=True)
            self.show(a, f"🧠 [Reasoning Started]\n{text}\n🧠 [Reasoning Complete]\n")
        g.trace.append(f"### Reasoning\n{text.rstrip()}\n")

    def use(
        self, a: str, asked: int, out: int, reason: int = 0, cached: int = 0, cost: float = 0.0, action: str = "",
    ) -> None:
        """Usage of a request; `action`: gemini tracks a response that holds a workflow JSON before and after it."""
        g = self.ag[a]
        g.requests += 1
        for again in range(2 if action else 1):
            if again:
                self.log(f"[Gemini] Structured coordination action: {action}")
            for sums in (g.total, g.now):
                sums[:] = [s + x for s, x in zip(sums, (asked, out, reason, cached, cost), strict=True)]
            if g.backend == "gemini":
                counts = f"input={asked}, output={out}, thinking={reason}, cached={cached}"
                self.log(f"[Gemini] Token usage tracked: {counts}")
        if g.backend == "codex":
            usage = {"input_tokens": asked, "cached_input_tokens": cached, "output_tokens": out}
            self.raw({"type": "turn.completed", "usage": usage | {"reasoning_output_tokens": 0}})

    def thread(self, g: Agent, resume: str = "") -> None:
        """A codex process: its items count from 0, and unless it resumes a session it has one of its own."""
        if g.backend == "codex":
            name = resume or f"01a204b8-b551-7d50-{self.number(g.id):04d}-{g.execs + self.presenting:012d}"
            place = f"{CWD}/.massgen/ws_{g.id}"
            self.log(f"[FilesystemManager.main_workspace] agent_id={g.id}, before execution - Workspace: {place}")
            how = f"resume {name} --json" if resume else f"--json --model {g.model} --full-auto -C {place} --skip-git-repo-check"
            self.log(f"Running Codex command: codex exec {how} <prompt>")
            self.raw({"type": "thread.started", "thread_id": name})
            self.log(f"Codex session started: {name}")
            g.calls = 0

    def raw(self, event: Json) -> None:
        self.log(f"Codex raw event: {json.dumps(event)[:500]}")

    def piece(self, a: str, text: str, status: str, cid: str, name: str) -> None:
        """One of the display texts about a tool call, in every file that keeps it."""
        backend = self.ag[a].backend
        plain = backend == "claude_code" and self.v < 46
        shown = text if plain else f"🔧 MCP: {text}"
        if backend == "openai":
            self.stream(cut="mcp_status", content=text, status=status, source=f"mcp_{name}")
        elif plain:
            self.stream(type="content", content=text, source="claude_code", tool_call_id=cid)
        else:
            kind = "mcp_status" if self.v == 12 else Raw("<ChunkType.MCP_STATUS: 'mcp_status'>")
            self.stream(type=kind, content=text, source=f"mcp_{name}", status=status, tool_call_id=cid)
        self.chunk(a, "content" if plain or self.v < 45 else "mcp_status", shown if self.v < 45 else text)
        self.show(a, shown)

    def request(self, a: str, name: str, args: Json, cid: str) -> None:
        """The model's call itself, as the old chunk logs keep it."""
        backend, text = self.ag[a].backend, json.dumps(args)
        if backend == "openai":
            flat = {"arguments": text, "call_id": cid, "name": name, "type": "function_call", "id": "fc" + cid[4:]}
            self.stream(type="tool_calls", tool_calls=[flat | {"status": "completed"}])
        elif backend == "chatcompletion" or name in ("vote", "new_answer"):
            function = {"name": name, "arguments": text if backend == "chatcompletion" else args}
            self.stream(type="tool_calls", tool_calls=[{"id": cid, "type": "function", "function": function}])

    def call(
        self, a: str, name: str, args: Json, result: str, *, error: bool | None = False, denied: bool = False,
        pause: float = 0.4,
    ) -> None:
        """One tool call with its result; `denied`: MassGen's own hook refuses it."""
        g = self.ag[a]
        own, codex, old = g.backend in OWN_TOOLS, g.backend == "codex", self.v < 46
        g.calls += 2 if codex else 1
        special = {
            "codex": f"item_{g.calls}", "claude_code": f"toolu_{g.model.replace('-', '')}{g.calls:04d}_1",
            "gemini": "call_0" if old else f"call_{g.calls - 1}",
        }
        cid, text = special.get(g.backend, f"call_{g.model}_{g.calls}_0"), json.dumps(args)
        self.tick()
        begun = self.t
        self.request(a, name, args, cid)
        if self.v <= 12:
            self.chunk(a, "content", f"🔧 Using {name}")
        server = {"claude_code": None, "codex": "codex"}.get(g.backend, "mcp")
        self.event("tool_start", a, tool_id=cid, tool_name=name, args=args, server_name=server)
        mark = "" if own else "[MCP Tool] "
        if not denied:
            self.piece(a, f"{'🔧 ' * (old or not own)}{mark}Calling {name}...", "mcp_tool_called", cid, name)
            if self.v == 0:
                count = f"(call #{g.calls - 1}) (23 tools available)"
                self.chunk(a, "content", f"🔧 MCP: MCP tool call initiated {count}: {name}")
            self.piece(a, f"Arguments for Calling {name}: {text}", "function_call", cid, name)
        twice = g.backend in ("chatcompletion", "frobnicator") and not denied  # S3
        g.trace += [f"### Tool Call: {name}\n**Args**:\n```json\n{json.dumps(args, indent=2)}\n```\n"] * (1 + twice)
        g.trace.append(f"### Tool {'Error' if error else 'Result'}: {name}\n```\n{result}\n```\n")
        self.tick(pause)
        if error:
            g.errors.append(f"- [{stamp(self.t, '%H:%M:%S')}] **Tool Error: {name}** - {result}")
        if error and not own:
            self.log(f"{'[PreToolUse]' if denied else f'MCP tool {name} failed after retries:'} {result}", "WARNING")
            told = f"Denied ($ {args.get('command')}): {result}" if denied else result
            self.piece(a, f"❌ [MCP Tool Error] {told}", "mcp_tool_error", cid, name)
        elif codex:
            self.piece(a, result, "mcp_tool_response", cid, name)
        elif own and not old:
            short = {"tool_name": name, "is_error": error, "content": result[:200]}
            self.log(f"Stream chunk [tool_use]: { {'name': name, 'input': args} }")
            level = "ERROR" if error else "INFO"
            self.log(f"{'[ERROR] backend.claude_code' if error else 'Stream chunk [tool_result]'}: {short}", level)
        else:
            self.piece(a, f"Results for Calling {name}: {result}", "function_call_output", cid, name)
            end = f"❌ {name} failed" if error else f"✅ {mark}{name} completed"
            self.piece(a, end, "mcp_tool_response", cid, name)
            self.log(f"Executed {'MCP function' if self.v == 0 else 'mcp tool:'} {name}")
        status = "denied" if denied else "error" if error else "success"
        done: Json = {"tool_id": cid, "tool_name": name, "result": result, "elapsed_seconds": round(pause, 3)}
        self.event("tool_complete", a, **done, status=status, is_error=error, async_id=None)
        if not own:
            size, got = len(text), 0 if error else len(result)
            g.tools.append({
                "tool_name": name, "tool_type": "mcp", "call_id": cid, "agent_id": a, "round_number": g.rnd,
                "start_time": begun, "end_time": self.t, "execution_time_ms": round((self.t - begun) * 1000, 2),
                "success": not error, "error_message": result[:500] if error else None, "input_chars": size,
                "output_chars": got, "input_tokens_est": size // 4, "output_tokens_est": got // 4,
            })

    def cmd(self, a: str, command: str, out: str = "", err: str = "", code: int = 0, pause: float = 0.4) -> None:
        """A shell command in the dialect of the agent's backend."""
        backend, text = self.ag[a].backend, (out + err).rstrip("\n")
        if backend == "codex":
            escaped = re.sub(r'(["\\])', r"\\\1", command)
            full = "/bin/bash -lc " + (f'"{escaped}"' if "'" in command else f"'{command}'")
            item: Json = {"id": f"item_{self.ag[a].calls + 2}", "type": "command_execution", "command": full}
            self.raw({"type": "item.started", "item": item | {"exit_code": None, "status": "in_progress"}})
            told = f"$ {full}" + f" (exit {code})" * bool(code) + f"\n{text}" * bool(text)
            self.call(a, "codex_shell", {"command": full}, told, error=bool(code), pause=pause)
            item |= {"aggregated_output": out + err, "exit_code": code, "status": "failed" if code else "completed"}
            self.raw({"type": "item.completed", "item": item})
        elif backend == "claude_code" and self.v >= 46:
            told = f"Exit code {code}\n{text}".strip() if code else text.strip("\n")
            self.call(a, "Bash", {"command": command, "description": "Run it"}, told, error=bool(code), pause=pause)
        else:
            body: Json = {"success": code == 0, "exit_code": code, "stdout": out, "stderr": err}
            body |= {"execution_time": round(pause - 0.01, 4), "command": command, "work_dir": f"{CWD}/.massgen/ws_{a}"}
            told = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            self.call(a, EXEC, {"command": command}, told, pause=pause)

    def hook(self, a: str, name: str, kind: str, decision: str, reason: str | None = None, inject: str = "") -> None:
        info: Json = {"hook_name": name, "hook_type": kind, "decision": decision, "reason": reason}
        preview = {"injection_preview": inject[:100] + "..." if inject else None, "injection_content": inject or None}
        cid = f"call_{self.ag[a].model}_{self.ag[a].calls + (kind == 'pre')}_0"
        self.event("hook_execution", a, tool_call_id=cid, hook_info=info | {"execution_time_ms": 0.1} | preview)

    def inject(self, a: str, source: str) -> None:
        """A new answer reaches the agent in the middle of its execution."""
        g, (label, text, _) = self.ag[a], self.ag[source].answers[-1]
        how = {"claude_code": " (native)", "codex": " (MCP hook)"}.get(g.backend, "")
        self.tick(0.1)
        self.coord("update_injected", a, f"UPDATE_INJECTED: Mid-stream{how}: 1 answer(s)")
        self.event("injection_received", a, source_agents=[source], injection_type="mid_stream")
        if g.backend not in OWN_TOOLS:
            note = f"[UPDATE: {self.anon(source)} ({label}) submitted new answer(s)]\n{text}"
            note = f"\n⚠️  IMPORTANT: NEW ANSWER RECEIVED\n{note}"
            self.hook(a, "mid_stream_injection", "post", "allow", inject=note)
        self.see(a, source)
        g.pending = False

    def snapshot(self, a: str, files: dict[str, str | Json], last: str = "") -> str:
        g, folder = self.ag[a], stamp(self.t)
        kinds = f"has_answer={'answer.txt' in files}, has_vote={'vote.json' in files}, is_final=False"
        self.log(f"[Orchestrator._save_agent_snapshot] Called for agent_id={a}, {kinds}")
        for name, content in files.items():
            self.put(f"{a}/{folder}/{name}", content)
            if name in ("answer.txt", "vote.json"):
                kind = "answer" if name == "answer.txt" else "comprehensive vote"
                self.log(f"[Orchestrator._save_agent_snapshot] Saved {kind} to {self.rel}/{a}/{folder}/{name}")
        seen = "\n".join(f"<{tag}> {text} <end of {tag}>" for _, tag, text in g.context.values())
        user = "<CONVERSATION_HISTORY>\nUser: earlier\n</CONVERSATION_HISTORY>\n\n" * (self.turn > 1)
        user += f"<ORIGINAL MESSAGE> {self.question} <END OF ORIGINAL MESSAGE>\n\n<CURRENT ANSWERS from the agents>\n"
        user += f"{seen or '(no answers available yet)'}\n<END OF CURRENT ANSWERS>"
        tools = [{"type": "function", "function": {"name": name}} for name in ("new_answer", "vote")]
        sent: Json = {"system_message": "<system_prompt>", "user_message": user, "tools": tools}
        self.put(f"{a}/{folder}/context.txt", sent)
        if self.v >= 39:
            self.put(f"{a}/{folder}/execution_trace.md", self.render(g, last))
        return folder

    def render(self, g: Agent, last: str = "") -> str:
        """execution_trace.md of the current execution."""
        head = f"# Execution Trace: {g.id}\n**Model**: {g.model} | **Started**: {stamp(g.traced, '%Y-%m-%d %H:%M:%S')}\n"
        parts = [head] + [f"### Content\n{g.content}\n"] * bool(g.content) + g.trace + [last] * bool(last)
        return "\n".join(parts + ["---\n\n## Errors\n\n" + "\n".join(g.errors) + "\n"] * bool(g.errors))

    def close(self, g: Agent, outcome: str, kind: str = "") -> None:
        """The end of a round in the backend's token history."""
        window = {"gemini": 1048576, "openai": 400000}.get(g.backend, 0)
        g.history.append({
            "round_number": g.rnd, "agent_id": g.id, "round_type": kind or ("voting" if g.rnd else "initial_answer"),
            "outcome": outcome, **dict(zip(COUNTS, g.now, strict=False)), "estimated_cost": round(g.now[4], 6),
            "context_window_size": window, "context_usage_pct": round(100 * g.now[0] / window, 2) if window else 0.0,
            "tool_calls_count": sum(x["round_number"] == g.rnd for x in g.tools), "token_source": "api",
            "start_time": g.begun, "end_time": self.t, "duration_ms": round((self.t - g.begun) * 1000, 2),
            "api_calls_count": 0, "api_time_ms": 0.0, "avg_ttft_ms": 0.0,
        })
        g.now = [0, 0, 0, 0, 0.0]

    def decide(self, a: str, name: str, args: Json, target: str = "") -> None:
        """The model calls new_answer or vote; every backend has its own way to say it."""
        g = self.ag[a]
        g.calls += g.backend != "gemini"
        if g.backend == "claude_code":
            self.say(a, f"```json\n{json.dumps({'tool_name': name, 'arguments': args}, ensure_ascii=False)}\n```")
        elif g.backend == "gemini":
            words = [f"target={v}" if k == "agent_id" else f'{k}="{v[:30]}..."' for k, v in args.items()]
            self.event("workspace_action", a, action_type=name, params=" ".join(words))
        elif g.backend == "codex":
            item = {"id": f"item_{g.calls}", "type": "mcp_tool_call", "server": "massgen_workflow_tools", "tool": name}
            self.raw({"type": "item.completed", "item": item | {"arguments": args, "status": "completed"}})
        else:
            g.trace.append(f"### Tool Call: {name}\n**Args**:\n```json\n{json.dumps(args, indent=2)}\n```\n")
        self.request(a, name, args, f"call_{g.model}_{g.calls}_0" if g.backend != "gemini" else f"{name}_4738")
        options = ", ".join(sorted(self.anon(x[0]) if self.v >= 39 else x[0] for x in g.context.values()))
        said = f'💡 Providing answer: "{args.get("content")}"'
        if name == "vote":
            said = f"🗳️ Voting for [{target or args['agent_id']}] (options: {options}) : {args['reason']}"
        self.chunk(a, "content", said)
        self.show(a, said if self.v == 36 else "")
        if g.backend in ("chatcompletion", "frobnicator") and self.v >= 12:
            self.log(f"Provider function calls detected: ['{name}']. Ending local processing.")
        if g.backend == "openai" and name == "vote":  # N1: a phantom second vote
            self.log(f"[Orchestrator] Agent {a} made 2 votes - using last vote: {args['agent_id']}")
            self.show(a, f"⚠️ Agent made 2 votes - using last (final decision): {args['agent_id']}\n")

    def answer(self, a: str, text: str) -> None:
        """An accepted answer; the agent restarts at once, the others are told to."""
        g, label = self.ag[a], f"agent{self.number(a)}.{len(self.ag[a].answers) + 1}"
        self.decide(a, "new_answer", {"content": text})
        self.tick(0.3)
        self.chunk(a, "result.answer", text)
        folder = self.snapshot(a, {"answer.txt": text})
        g.answers.append((label, text, self.t))
        self.close(g, "answer")
        self.snapshots[label] = {"type": "answer", "label": label, "agent_id": a, "timestamp": folder}
        self.snapshots[label] |= {"iteration": self.polls, "round": g.rnd, "path": f"{a}/{folder}/answer.txt"}
        self.coord("new_answer", a, f"Provided answer {label}", label=label)
        if self.v >= 36:
            self.log(f"Agent answer: {label}")
        number = {"answer_number": len(g.answers), "answer_label": label, "workspace_path": None}
        self.event("answer_submitted", a, content=text[:500], **number)
        self.chunk(a, "content", "✅ Answer provided\n")
        self.show(a, "✅ Answer provided\n" if self.v < 46 else "")
        details = f"Triggered restart affecting {len(self.ag)} agents"
        self.coord("restart_triggered", a, details, affected_agents=list(self.ag), triggering_agent=a)
        g.rnd += 1
        self.coord("restart_completed", a, f"Completed restart - now in round {g.rnd}", agent_round=g.rnd)
        self.coord("status_change", a, "Changed to status: answered")
        for x in self.ag.values():
            x.pending = True
        self.start(a)

    def cast(self, a: str, target: str, reason: str, named: str = "") -> None:
        """The model's side of a vote."""
        self.decide(a, "vote", {"agent_id": named or self.anon(target), "reason": reason}, target)
        self.tick(0.3)
        self.log(f"[Orchestrator] Agent {a} voting from options: {list(self.answered())}")

    def vote(self, a: str, target: str, reason: str, named: str = "") -> None:
        """An accepted vote; `named` is the id that the model used, if it is not the target's."""
        self.cast(a, target, reason, named)
        g, label, options = self.ag[a], self.ag[target].answers[-1][0], list(self.answered())
        self.chunk(a, "result.vote", str({"agent_id": target, "reason": reason}))
        labels = {x.answers[-1][0]: x.id for x in self.answered().values()}
        ballot: Json = {
            "voter_id": a, "voter_anon_id": self.anon(a), "voted_for": target, "voted_for_label": label,
            "voted_for_anon": self.anon(target), "reason": reason, "timestamp": stamp(self.t), "unix_timestamp": self.t,
            "iteration": self.polls, "coordination_round": max(x.rnd for x in self.ag.values()),
            "available_options": options, "available_options_labels": list(labels), "answer_label_to_agent": labels,
            "available_options_anon": sorted(map(self.anon, options)), "agent_mapping": self.mapping(),
            "vote_context": {
                "total_agents": len(self.ag), "agents_with_answers": len(options), "current_task": self.question,
            },
        }
        for key in ("voted_for_label", "available_options_labels", "answer_label_to_agent") if self.v < 36 else ():
            del ballot[key]
        shown = f"**Available options**: {', '.join(g.context)}\n**Voted for**: {label}\n**Reason**: {reason}\n"
        folder = self.snapshot(a, {"vote.json": ballot}, f"### Vote Cast: {label}\n{shown}")
        self.close(g, "vote")
        self.votes.append((a, target, label, reason))
        name = f"agent{self.number(a)}.vote{sum(v[0] == a for v in self.votes)}"
        self.snapshots[name] = {
            "type": "vote", "label": name, "agent_id": a, "timestamp": folder, "voted_for": target, "round": g.rnd,
            "voted_for_label": label, "iteration": self.polls, "path": f"{a}/{folder}/vote.json",
        }
        context: Json = {"voted_for": target, "voted_for_label": label, "reason": reason}
        self.coord("vote_cast", a, f"Voted for {label}", **context, available_answers=list(g.context))
        self.coord("status_change", a, "Changed to status: voted")
        self.event("vote", a, target_id=target, reason=reason, vote_label=None, voted_for_label=None)
        if self.v >= 45:
            self.log(f"Agent vote: {a} -> {label}")
        self.chunk(a, "agent_status" if self.v >= 45 else "content", f"✅ Vote recorded for [{target}]")
        g.voted, g.pending = True, False

    def note(self, a: str, text: str) -> None:
        """MassGen's own words in an agent's stream."""
        self.event("text", a, content=text)
        self.chunk(a, "content", text)
        self.show(a, text)

    def ignored(self, a: str, target: str, reason: str) -> None:
        """A vote that came too late: its round leaves no trace and no record, its tokens stay in the totals."""
        self.cast(a, target, reason)
        self.chunk(a, "result.vote", str({"agent_id": target, "reason": reason}))
        self.coord("vote_ignored", a, f"VOTE_IGNORED: Voted for {target} but ignored due to restart")
        self.note(a, f"🔄 Vote for [{target}] ignored (reason: {reason}) - restarting due to new answers")
        self.ag[a].now = [0, 0, 0, 0, 0.0]
        self.start(a)

    def enforce(self, a: str, reason: str, attempt: int, message: str, buffer: str = "", tool: str = "") -> None:
        g = self.ag[a]
        g.enforced.append({
            "round": g.rnd, "attempt": attempt, "max_attempts": 3, "reason": reason, "tool_calls": [tool] * bool(tool),
            "error_message": message, "buffer_preview": buffer or None, "buffer_chars": len(buffer),
            "timestamp": self.t,
        })
        self.note(a, f"❌ Error: {message}\n" if reason == "api_error" else f"❌ Retry ({attempt}/3): {message}")
        if reason != "api_error":  # a retry begins a new trace
            g.trace, g.content, g.errors, g.traced = [], "", [], self.t
            self.log(f"[Orchestrator] Agent {a} workflow enforcement attempt {attempt + 1}/3")
            self.log(f"[Orchestrator] Sending enforcement message to {a} ({len(message)} chars): {message}...")

    def die(self, a: str, message: str) -> None:
        """The third failure: killed, and not recorded as enforcement."""
        self.ag[a].error = {"type": "error", "message": message, "timestamp": self.t}
        self.coord("agent_error", a, f"ERROR: {message}")
        self.close(self.ag[a], "error")
        self.log(f"[ERROR] orchestrator: {message}", "ERROR")
        self.event("text", a, content=f"❌ {message}")
        self.show(a, f"❌ {message}")

    def tally(self) -> Json:
        last = {v[0]: v for v in self.votes}
        details: dict[str, list[Json]] = {}
        for voter, target, _, reason in last.values():
            details.setdefault(target, []).append({"voter": voter, "reason": reason})
        counts = {k: len(v) for k, v in details.items()}
        top = [a for a in self.ag if counts and counts.get(a) == max(counts.values())]
        return {
            "vote_counts": counts, "voter_details": details, "winner": top[0] if top else None, "is_tie": len(top) > 1,
            "total_votes": len(last), "agents_with_answers": len(self.answered()), "agents_voted": len(last),
            "agent_mapping": self.mapping(),
        }

    def choose(self, a: str) -> Json:
        """Selection of the presenter: the first half of a presentation."""
        g, tally = self.ag[a], self.tally()
        known = {x.answers[-1][0]: x.answers[-1][1] for x in self.answered().values()}
        reasons = "; ".join(x["reason"] for x in tally["voter_details"].get(a, []))
        summary = f"You received {tally['vote_counts'].get(a, 0)} vote(s) with feedback: {reasons}"
        context: Json = {"vote_summary": summary, "all_answers": list(known), "answers_for_context": known}
        self.event("status", a, message=f"Voting complete - selected agent: {a}", level="info")
        self.event("status", a, message="Presenting final coordinated answer", level="info")
        for text in ("## 🎯 Final Coordinated Answer\n", f"🏆 Selected Agent: {a}\n"):
            self.chunk(a, "content", text)
        g.rnd, self.presenting, self.winner, g.begun = g.rnd + 1, True, a, self.t
        self.coord("status_change", a, "Changed to status: streaming")
        final = {"round_type": "final", "final_round": g.rnd}
        self.coord("final_round_start", a, f"Starting final presentation round {g.rnd}", **final)
        for x in (x for x in self.ag if x != a):
            self.coord("status_change", x, "Changed to status: completed")
        self.coord("final_agent_selected", a, "Selected as final presenter", **context)
        self.frozen = self.status() if self.v < 36 else None  # 0.1.12 does not refresh it any more
        labels = {a: f"A{self.number(a)}.{len(g.answers)}"}
        data = {"vote_counts": tally["vote_counts"], "answer_labels": labels, "is_tie": tally["is_tie"]}
        self.event("final_presentation_start", a, **data)
        self.log(f"Winner selected: {g.answers[-1][0]}")
        self.chunk(a, "status", f"🎤  [{a}] presenting final answer\n")
        return context

    def keep(self, a: str, text: str, trace: str, context: Json | None = None) -> None:
        """Saves the final answer."""
        label, tally = f"agent{self.number(a)}.final", self.tally()
        final: Json = {"messages": [], "is_final": True, "vote_summary": (context or {}).get("vote_summary")}
        final["all_answers"] = {x: y.answers[-1][1] for x, y in self.answered().items()}
        final |= {"complete_vote_results": tally} | {k: tally[k] for k in ("vote_counts", "voter_details")}
        final["all_votes"] = {v[0]: {"agent_id": v[1], "reason": v[3]} for v in self.votes}
        for place in [f"final/{a}"] + [f"../final/{a}"] * (self.v >= 36):
            self.put(f"{place}/answer.txt", text)
            self.put(f"{place}/context.txt", final)
            if self.v >= 39:
                self.put(f"{place}/execution_trace.md", trace)
        self.snapshots[label] = {"type": "final_answer", "label": label, "agent_id": a, "timestamp": "final"}
        self.snapshots[label] |= {"iteration": self.polls, "round": self.ag[a].rnd, "path": f"final/{a}/answer.txt"}
        self.coord("final_answer", a, f"Presented final answer {label}", label=label, **(context or {}))
        self.final = text
        self.log(f"Final answer from {a}")

    def present(self, a: str, text: str, usage: tuple[int, int, int, int, float], after: float) -> None:
        """Final presentation and a normal end, `after` seconds after the start."""
        self.t = self.t0 + after - 4
        context, g = self.choose(a), self.ag[a]
        self.thread(g)
        self.tick(3.5)
        self.use(a, *usage)
        if g.backend == "claude_code":
            session = "c771ab63-3f45-4680-80e9-bc8d027ebeef"
            where = f"Final Temp Working directory: {CWD}/ws.\n    Final Session ID: {session}.\n    "
            self.event("text", a, content=where)
            self.show(a, where)
        self.event("final_presentation_chunk", a, content=text)
        self.stream(type="content", content=text)
        self.note(a, text)
        self.close(g, "presentation", "presentation")
        g.trace, g.errors, g.content = [], [], text if g.backend in OWN_TOOLS else ""
        self.keep(a, text, self.render(g), context)
        for kind, data in (("final_answer", {"content": text}), ("final_presentation_end", {}), ("answer_locked", {})):
            self.event(kind, a, **data)
        self.finish(after)

    def expire(self, limit: float, chosen: str, why: str) -> None:
        """Orchestrator timeout with an answer at hand (0.1.61 on)."""
        self.timeout, counts = f"Time limit exceeded ({limit:.1f}s/{limit:.0f}s)", self.tally()["vote_counts"]
        states = {a: {"has_answer": bool(g.answers), "vote_count": counts.get(a, 0)} for a, g in self.ag.items()}
        data: Json = {"timeout_reason": self.timeout, "available_answers": len(self.answered())}
        data["selected_agent"] = chosen
        self.event("orchestrator_timeout", **data, selection_reason=why, agent_answer_summary=states)
        self.chunk("orchestrator", "content", f"\n⚠️ **Orchestrator Timeout**: {self.timeout}\n")
        self.chunk("orchestrator", "content", f"🎯 Using available answer from {chosen} (selected despite timeout)\n")
        self.event("winner_selected", chosen, vote_results=str(self.tally()))
        self.event("answer_locked", chosen)

    def finish(self, after: float) -> None:
        self.t = self.t0 + after
        self.coord("session_end", None, f"Session completed in {after:.1f}s")
        self.write(ended=True)

    # -- the files at the end ------------------------------------------------------------------------------------------
    def status(self) -> Json:
        """status.json as coordination_tracker.save_status_file builds it."""
        gs, dead = list(self.ag.values()), [a for a, g in self.ag.items() if g.error]
        phase = "presentation" if self.presenting else "enforcement" if self.votes else "initial_answer"
        reason = ("in_progress", f"Phase: {phase}", False)
        if self.timeout:
            reason = ("timeout", self.timeout, True)
        elif self.presenting and self.final:
            reason = ("completed", f"Winner: {self.winner}", True)
        elif dead:
            reason = ("error", f"Agent(s) encountered errors: {', '.join(dead)}", True)
        active = next((g.id for g in gs if (self.votes and not g.voted) or not g.answers), None)
        done = sum(len(g.answers) for g in gs) + len(self.votes)
        labels = [v[2] for v in self.votes]
        preview = self.final[:200] if self.final and self.winner else None
        spaces = [
            {
                "answerId": f"{x['agent_id']}-{x['timestamp']}", "agentId": x["agent_id"], "answerNumber": x["round"],
                "answerLabel": k, "timestamp": x["timestamp"],
                "workspacePath": f"{CWD}/{self.rel}/{x['path'][:-10]}workspace",
            }
            for k, x in self.snapshots.items() if x["type"] == "answer"
        ]
        whole: Json = {
            "finish_reason": reason[0], "finish_reason_details": reason[1], "is_complete": reason[2],
            "review_pending": False,
            "meta": {
                "last_updated": self.t, "session_id": self.rel.rpartition("/")[2], "log_dir": self.rel,
                "question": self.question, "start_time": self.t0, "elapsed_seconds": round(self.t - self.t0, 3),
                "orchestrator_paths": {"snapshot_storage": ".massgen/snapshots", "temp_workspace_parent": None},
                "eval_criteria": None, "context_paths": None, "docker_enabled": False,
            },
            "costs": {
                "total_estimated_cost": sum(g.total[4] for g in gs), "total_input_tokens": sum(g.total[0] for g in gs),
                "total_output_tokens": sum(g.total[1] for g in gs),
            },
            "tools": self.measured(gs), "rounds": self.rounds("total_round_", "cost"),
            "coordination": {
                "phase": phase, "active_agent": active if self.answered() else gs[0].id,
                "completion_percentage": min(100, int(100 * done / (2 * len(gs)))),
                "is_final_presentation": self.presenting,
            },
            "agents": {g.id: self.standing(g) for g in gs}, "historical_workspaces": spaces,
            "results": {
                "votes": {k: labels.count(k) for k in labels}, "winner": self.winner, "final_answer_preview": preview,
            },
        }
        late: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {  # first version -> keys at the top, keys in meta
            36: (("costs", "tools", "rounds", "historical_workspaces"), ("orchestrator_paths",)),
            39: (("finish_reason", "finish_reason_details", "is_complete"), ()),
            69: (("review_pending",), ("eval_criteria", "context_paths", "docker_enabled")),
        }
        for first, (top, meta) in late.items():
            for key, where in [(k, whole) for k in top] + [(k, whole["meta"]) for k in meta]:
                if self.v < first:
                    del where[key]
        return whole

    def standing(self, g: Agent) -> Json:
        """One agent's entry of status.json."""
        cast = None
        for _, target, chosen, why in [v for v in self.votes if v[0] == g.id][:1]:
            cast = {"voted_for_agent": target, "voted_for_label": chosen, "reason_preview": why[:100]}
        states = {"error": g.error, "voted": g.voted, "answered": g.answers, "restarting": g.pending, "waiting": True}
        state = next(k for k, v in states.items() if v)
        label, _, when = g.answers[-1] if g.answers else (None, None, self.t0)
        entry: Json = {"status": state, "answer_count": len(g.answers), "latest_answer_label": label, "vote_cast": cast}
        entry |= {"times_restarted": g.rnd, "last_activity": when, "error": g.error}
        if self.v >= 36:
            paths = {"workspace": f"{CWD}/.massgen/ws_{g.id}", "snapshot_storage": None, "temp_workspace": None}
            usage = dict(zip(COUNTS, g.total, strict=False)) | {"estimated_cost": round(g.total[4], 6)}
            tools = None if g.backend in OWN_TOOLS else self.measured([g])
            entry |= {"workspace_paths": paths, "token_usage": usage, "tool_metrics": tools}
            entry["round_history"] = list(g.history)
        if self.v >= 39:
            timing = {"round_number": g.rnd, "round_start_time": g.begun}
            entry |= {"round_timing": timing, "reliability": self.reliability(g) if g.enforced else None}
        return entry

    def reliability(self, g: Agent) -> Json:
        rounds: Json = {}
        for e in g.enforced:
            entry = rounds.setdefault(str(e["round"]), {"count": 0, "reasons": []})
            entry["count"] += 1
            entry["reasons"] += [e["reason"]] * (e["reason"] not in entry["reasons"])
        return {
            "enforcement_attempts": g.enforced, "by_round": rounds, "unknown_tools": [],
            "workflow_errors": sorted({e["reason"] for e in g.enforced} & {"vote_no_answers", "invalid_vote_id"}),
            "total_enforcement_retries": len(g.enforced), "outcome": "ok",
            "total_buffer_chars_lost": sum(e["buffer_chars"] for e in g.enforced),
        }

    def measured(self, gs: list[Agent]) -> Json:
        """Tool metrics, as MassGen sums them up: a command that failed is a success."""
        rows = [x for g in gs for x in g.tools]
        by: Json = {}
        for name in dict.fromkeys(x["tool_name"] for x in rows):
            mine = [x for x in rows if x["tool_name"] == name]
            by[name] = {"call_count": len(mine), "success_count": sum(x["success"] for x in mine)}
            by[name] |= {"failure_count": sum(not x["success"] for x in mine), "tool_type": "mcp"}
            for key in ("execution_time_ms", "input_chars", "output_chars"):
                by[name][f"total_{key}"] = sum(x[key] for x in mine)
            by[name]["avg_execution_time_ms"] = round(by[name]["total_execution_time_ms"] / len(mine), 2)
        spent = round(sum(x["execution_time_ms"] for x in rows), 2)
        counts = {"total_calls": len(rows), "total_failures": sum(not x["success"] for x in rows)}
        return counts | {"total_execution_time_ms": spent, "by_tool": by}

    def rounds(self, prefix: str, cost: str) -> Json:
        rows = [h for g in self.ag.values() for h in g.history]
        kinds = ("answer", "vote", "presentation", "post_evaluation", "restarted", "error", "timeout")
        sums = {f"{prefix}{k}": sum(h[k] for h in rows) for k in COUNTS[:2]}
        sums[f"{prefix}{cost}"] = round(sum(h["estimated_cost"] for h in rows), 6)
        by = {k: sum(h["outcome"] == k for h in rows) for k in kinds}
        return {"total_rounds": len(rows), "by_outcome": by} | sums

    def write(self, *, ended: bool = False, cut: int = 0) -> None:
        """Everything that is on disk when the process is gone; the last `cut` characters of its logs are not."""
        end, began = -cut or None, bool(self.coords)
        self.put(f"massgen{'_debug' * self.debug}.log", ("\n".join(self.lines) + "\n")[:end])
        if self.v >= 46 and not self.debug:
            self.put("events.jsonl", "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in self.events)[:end])
        if self.streamed:
            self.put("streaming_debug.log", "\n".join(self.streamed) + "\n")
        for a, g in self.ag.items() if began else ():
            if self.v >= 36:
                self.put(f"agent_outputs/{a}.txt", f"=== {a.upper()} OUTPUT LOG ===\n\n{g.out}")
            if self.v >= 46:  # a link that dangles, as after MassGen's clean-up
                (self.dir / a).mkdir(exist_ok=True)
                (self.dir / a / "workspace").unlink(missing_ok=True)
                (self.dir / a / "workspace").symlink_to(f"{CWD}/.massgen/ws_{a}")
        if self.v >= 36 and began and not self.quiet:
            self.put("agent_outputs/system_status.txt", "=== SYSTEM STATUS LOG ===\n\n")
        if self.v >= 12 and began:
            self.put("status.json", self.frozen or self.status())
        if ended:
            info: Json = {"user_prompt": self.question, "agent_ids": list(self.ag), "start_time": self.t0}
            info |= {"end_time": self.t, "final_winner": self.winner}
            self.put("coordination_events.json", {"session_metadata": info, "events": self.coords})
            self.put("coordination_table.txt", "\nMulti-Agent Coordination Events Log\n" + "=" * 50 + "\n")
            self.put("snapshot_mappings.json", self.snapshots)
            if self.v >= 24:
                self.metrics()
        for path in self.dir.parents[self.v >= 24].rglob("*"):
            os.utime(path, (self.t, self.t), follow_symlinks=False)

    def metrics(self) -> None:
        gs = list(self.ag.values())
        meta: Json = {"generated_at": self.t, "session_id": "attempt_1", "question": self.question}
        tools, rows = [x for g in gs for x in g.tools], [h for g in gs for h in g.history]
        self.put("metrics_events.json", {"meta": meta, "tool_executions": tools, "round_completions": rows})
        cost, calls = round(sum(g.total[4] for g in gs), 6), sum(g.requests for g in gs if g.backend != "claude_code")
        totals = {"estimated_cost": cost, "agent_cost": cost, "subagent_cost": 0.0}
        totals |= {k: sum(g.total[i] for g in gs) for i, k in enumerate(COUNTS[:3])}
        timing = {"total_calls": calls, "total_time_ms": 300.0 * calls, "avg_time_ms": 300.0, "avg_ttft_ms": 250.0}
        keys, agents = ("tool_metrics", "round_history", "token_usage"), {g.id: self.standing(g) for g in gs}
        self.put("metrics_summary.json", {
            "meta": meta | {"num_agents": len(gs), "winner": self.winner}, "totals": totals, "tools": self.measured(gs),
            "rounds": self.rounds("total_", "estimated_cost"),
            "api_timing": timing | {"by_round": {}, "by_backend": {}},
            "agents": {a: {k: x[k] for k in keys} for a, x in agents.items()}, "subagents": {"total_subagents": 0},
        })


# -- what two agents usually do, and what is then true ----------------------------------------------------------------
TEXT_A, TEXT_B = "The sum is 5050; checked by running code (agent_a).", "5050 by the formula n(n+1)/2 (agent_b)."
WHY_A, WHY_B = "agent1 ran code, so its evidence is stronger — “5050” ✓.", "agent1 verified the result by running code."
FINAL = "The sum of the integers 1 to 100 is 5050 (final presentation by agent_a)."
USUAL: Json = {
    "winner": "agent_a", "answers": "agent2.1=agent_b agent1.1=agent_a", "final_answer": FINAL, "duration_s": 48.5,
    "votes": {"agent_b": ("agent_a", WHY_B), "agent_a": ("agent_a", WHY_A)},
    "usage": {"agent_a": (23000, 500, 0, 768, 0.0042), "agent_b": (19000, 370, 0, 512, 0.0051)},
    "rounds": {"agent_a": (2, 1), "agent_b": (1, 1)},
}


def answers(r: Tree) -> None:
    r.use("agent_b", 11000, 260, 0, 256, 0.003)
    r.answer("agent_b", TEXT_B)
    r.use("agent_a", 12000, 300, 0, 512, 0.002)
    r.answer("agent_a", TEXT_A)
    if r.v >= 45:
        r.inject("agent_b", "agent_a")


def ending(r: Tree) -> None:
    r.use("agent_b", 8000, 110, 0, 256, 0.0021)
    r.vote("agent_b", "agent_a", WHY_B)
    r.use("agent_a", 8000, 120, 0, 0, 0.0015)
    r.vote("agent_a", "agent_a", WHY_A)
    r.present("agent_a", FINAL, (3000, 80, 0, 256, 0.0007), after=48.5)


def usual(r: Tree) -> None:
    answers(r)
    ending(r)


def truth(r: Tree, state: str, **known: Any) -> Json:
    """One entry of truth.json's runs.

    Shorthands: answers "label=agent label=agent"; votes {voter: (target, reason)}; usage {agent: (input, output,
    reasoning, cached, cost)}; rounds {agent: (times_restarted, agent_restart events)}.
    """
    votes, usage, rounds = known.pop("votes", {}), known.pop("usage", None), known.pop("rounds", None)
    kinds = ("input", "output", "reasoning", "cached_input")
    run: Json = {
        "session": r.session, "turn": r.turn, "attempt": 1, "massgen_version": r.version if r.v >= 12 else None,
        "state": state, "agents": list(r.ag), "winner": None, "answers": "", "votes_accepted": len(votes),
        "final_votes": {a: v[0] for a, v in votes.items()}, "votes_ignored": 0,
        "vote_reasons": {a: v[1] for a, v in votes.items()}, "commands": {}, "failed_commands": {},
        "denied_tool_calls": 0, "tool_calls": 0, "enforcement": {} if r.v >= 39 else None,
        "buffer_chars_lost": {} if r.v >= 39 else None, "restarts": rounds and {a: n[0] for a, n in rounds.items()},
        "tokens": usage and {a: dict(zip(kinds, u, strict=False)) for a, u in usage.items()},
        "cost_usd": usage and {a: u[4] for a, u in usage.items()}, "duration_s": None, "final_answer": None,
        "notes": "",
    } | known
    if rounds and r.v >= 46 and not r.debug:
        run["agent_restart_events"] = {a: n[1] for a, n in rounds.items()}
    run["answers"] = [dict(zip(("label", "agent"), x.split("="), strict=True)) for x in run["answers"].split()]
    return run


# -- scenarios ---------------------------------------------------------------------------------------------------------
def hook_denied(root: pathlib.Path, start: float) -> list[Json]:
    """After the round's time limit MassGen's hook refuses tools: 12 commands asked for, 4 ran."""
    limits = {"initial_round_timeout_seconds": 10, "round_timeout_grace_seconds": 5}
    r = Tree(root, "0.1.97", PAIR, start=start, config={"timeout_settings": limits})
    r.begin()
    r.cmd("agent_b", "npm install", NPM)
    r.say("agent_a", "Let me look at the workspace first. ")
    r.cmd("agent_a", "ls -R", ".:\n")
    r.cmd("agent_a", "npm install", NPM)
    r.cmd("agent_a", "npm install", NPM)
    r.tick(9)
    r.cmd("agent_a", "npm test", err=NOTEST, code=1)
    r.hook("agent_a", "round_timeout_soft_agent_a", "post", "allow", inject="\n⏰ ROUND TIME LIMIT APPROACHING\n")
    r.tick(6)
    for i in range(1, 9):
        why = f"⛔ HARD TIMEOUT - TOOL `{EXEC}` BLOCKED (attempt #{i})\nYou received the time limit warning {5 + i}s "
        why += "ago (grace period: 5s).\nOnly `vote` or `new_answer` tools are allowed. Submit immediately."
        r.hook("agent_a", "round_timeout_hard_agent_a", "pre", "deny", why)
        args = {"command": "npm install" if i % 3 else "cat result.txt"}
        told = f"Hook denied tool execution: {why}"
        r.call("agent_a", EXEC, args, told, error=True, denied=True, pause=0.001)
    usual(r)
    return [truth(
        r, "finished", **USUAL, denied_tool_calls=8, tool_calls=5, failed_commands={"npm test": 1},
        commands={"agent_a": {"ls -R": 1, "npm install": 2, "npm test": 1}, "agent_b": {"npm install": 1}},
        notes="8 of agent_a's 12 commands were refused (tool_start + tool_complete); metrics count them as failures.",
    )]


def codex_resume(root: pathlib.Path, start: float) -> list[Json]:
    """agent_b's third attempt resumes its Codex session: that usage is cumulative and is added again."""
    r = Tree(root, "0.1.97", {"agent_a": "codex:gpt-5.4", "agent_b": "codex:gpt-5.3-codex"}, start=start)
    r.begin()
    r.cmd("agent_b", "npm install", NPM)
    r.cmd("agent_b", "cat missing.txt; exit 3", err="cat: missing.txt: No such file or directory\n", code=3, pause=0.0)
    r.cmd("agent_a", "python3 -c 'print(100*101//2)'", "5050\n")
    r.cmd("agent_a", "echo 'say \"hi\"'", 'say "hi"\n')
    for again in (0, 2):  # MassGen records every patch twice, under one id
        r.ag["agent_a"].calls -= again
        path = f"{CWD}/ws/sum.py"
        r.call("agent_a", "codex_file_edit", {"paths": [path]}, f"[File add: {path}]", pause=0.0)
    r.cmd("agent_a", "npm test", err=NOTEST, code=1)
    r.use("agent_b", 41222, 210, 0, 512)
    r.answer("agent_b", TEXT_B)
    inner = {"type": "function_call", "name": "shell", "arguments": {"command": ["bash", "-lc", "rm -f old.txt"]}}
    folder = f"agent_b/{r.snapshots['agent2.1']['timestamp']}/workspace/.codex"
    r.put(f"{folder}/sessions/2026/11/10/rollout-x.jsonl", json.dumps(inner) + '\n{"rejected": "blocked by policy"}\n')
    r.put(f"{folder}/config.toml", 'model = "gpt-5.3-codex"\n')
    r.use("agent_a", 60100, 420, 0, 768)
    r.answer("agent_a", TEXT_A)
    r.inject("agent_b", "agent_a")
    r.say("agent_b", "I vote.\n")
    r.decide("agent_b", "vote", {"agent_id": "agent9", "reason": "typo"})
    r.use("agent_b", 37662, 120, 0, 256)
    r.enforce("agent_b", "invalid_vote_id", 1, BADVOTE, "I vote.\n", "vote")
    r.enforce("agent_b", "api_error", 2, "No user message found in messages")
    r.enforce("agent_b", "no_tool_calls", 2, WORKFLOW)
    r.thread(r.ag["agent_b"], resume="01a204b8-b551-7d50-0002-000000000001")
    r.cmd("agent_b", "cat sum.py", "print(sum(range(101)))\n")
    r.use("agent_b", 82000, 260, 0, 512)  # 37662 of them for the second time
    r.vote("agent_b", "agent_a", WHY_B)
    r.use("agent_a", 30500, 180, 0, 256)
    r.vote("agent_a", "agent_a", WHY_A)
    r.present("agent_a", FINAL, (8300, 80, 0, 256, 0.0), after=71.0)
    counts = {"agent_a": (98900, 680, 0, 1280, None), "agent_b": (160884, 590, 0, 1280, None)}
    ran = {"python3 -c 'print(100*101//2)'": 1, "echo 'say \"hi\"'": 1, "npm test": 1}
    return [truth(
        r, "finished", **USUAL | {"usage": counts, "duration_s": 71.0}, denied_tool_calls=None, tool_calls=7,
        commands={"agent_a": ran, "agent_b": {"npm install": 1, "cat missing.txt; exit 3": 1, "cat sum.py": 1}},
        failed_commands={"npm test": 1, "cat missing.txt; exit 3": 1}, buffer_chars_lost={"agent_b": 8},
        enforcement={"agent_b": {"invalid_vote_id": 1, "api_error": 1, "no_tool_calls": 1}},
        tokens_true={"agent_b": {"input": 123222, "output": 470}},
        notes="The refused `rm -f old.txt` is only in the client's rollout: null. agent_b: 123222 of 160884 served.",
    )]


def mixed_clients(root: pathlib.Path, start: float) -> list[Json]:
    """One command under three names and two notions of failure."""
    models = {"agent_a": "claude_code:claude-opus-4-5", "agent_b": "gemini:gemini-2.5-pro", "agent_c": "codex:gpt-5.4"}
    r = Tree(root, "0.1.97", models, start=start)
    r.begin()
    for a in models:
        r.say(a, "Testing. ")
        r.cmd(a, "npm test", err=NOTEST, code=1)
    r.cmd("agent_a", "ls -la", "total 0\n")
    r.cmd("agent_b", "npm install", NPM)
    r.use("agent_a", 20000, 300, 0, 256, 0.06)
    r.answer("agent_a", TEXT_A)
    r.use("agent_b", 7000, 90, 12, 0, 0.002)
    r.use("agent_b", 7100, 110, 0, 256, 0.0024, action="new_answer")
    r.answer("agent_b", TEXT_B)
    r.use("agent_c", 40000, 150, 0, 512)
    r.answer("agent_c", "5050, by hand (agent_c).")
    for a, source in (("agent_a", "agent_b"), ("agent_a", "agent_c"), ("agent_b", "agent_c")):
        r.inject(a, source)
    r.use("agent_c", 30000, 100, 0, 256)
    r.vote("agent_c", "agent_a", "agent1 tested.")
    r.use("agent_b", 7500, 80, 0, 256, 0.0025, action="vote")
    r.vote("agent_b", "agent_a", WHY_B)
    r.use("agent_a", 9000, 100, 0, 256, 0.03)
    r.vote("agent_a", "agent_a", WHY_A)
    r.present("agent_a", FINAL, (8000, 80, 0, 256, 0.025), after=66.0)
    return [truth(
        r, "finished", winner="agent_a", answers="agent1.1=agent_a agent2.1=agent_b agent3.1=agent_c", duration_s=66.0,
        votes={"agent_c": ("agent_a", "agent1 tested."), "agent_b": ("agent_a", WHY_B), "agent_a": ("agent_a", WHY_A)},
        commands={
            "agent_a": {"npm test": 1, "ls -la": 1}, "agent_b": {"npm test": 1, "npm install": 1},
            "agent_c": {"npm test": 1},
        },
        failed_commands={"npm test": 3}, denied_tool_calls=None, tool_calls=5, final_answer=FINAL,
        rounds={"agent_a": (2, 1), "agent_b": (1, 1), "agent_c": (1, 1)},
        usage={
            "agent_a": (37000, 480, 0, 768, 0.115), "agent_b": (36200, 470, 12, 1024, 0.0118),
            "agent_c": (70000, 250, 0, 768, None),
        },
        tokens_true={"agent_b": {"input": 21600, "output": 280}},
        notes="MassGen's tool metrics know agent_b's 2 calls of 5. denied null: codex refuses only in its own files.",
    )]


def claude_code_errors(root: pathlib.Path, start: float) -> list[Json]:
    """Refused, unknown and background calls of the native tools, and the retry that sends nothing."""
    models = {"agent_a": "claude_code:claude-sonnet-4-5", "agent_b": "claude_code:claude-opus-4-5"}
    r = Tree(root, "0.1.97", models, start=start)
    r.begin()
    rule = "Environment variables in Bash commands are not allowed "
    rule += "(security risk: can reference paths outside workspace)"
    path = "Access denied: argument 'file_path'='/etc/passwd' resolves to '/etc/passwd', outside allowed directories."
    for name, args, why in (
        ("Bash", {"command": "echo $((50*101))"}, rule), ("Read", {"file_path": "/etc/passwd"}, path),
        ("Write", {"file_path": "/etc/passwd", "content": "x\n"}, path),
    ):
        r.log(f"[PathPermissionManager] Blocked {name}: {why}", "WARNING")
        r.call("agent_a", name, args, why, error=True, pause=0.03)
    missing = "<tool_use_error>Error: No such tool available: TodoWrite</tool_use_error>"
    r.call("agent_a", "TodoWrite", {"todos": [{"content": "sum"}]}, missing, error=True, pause=0.01)
    later = "Command running in background with ID: b5mfm4t3q. Output is being written to: /tmp/tasks/b5mfm4t3q.output"
    r.call("agent_a", "Bash", {"command": "sleep 300; echo late", "timeout": 2000}, later, pause=2.1)
    r.cmd("agent_a", "test -f result.txt", code=1)
    r.cmd("agent_a", "npm install", NPM)
    written = f"File created successfully at: {CWD}/ws/a.py"
    r.call("agent_a", "Write", {"file_path": f"{CWD}/ws/a.py", "content": "x=1\n"}, written, error=None)
    answers(r)
    text = '```json\n{"tool_name": "vote", "arguments": {"agent_id": "agent9", "reason": "typo"}}\n```'
    r.say("agent_b", text)
    r.enforce("agent_b", "invalid_vote_id", 1, BADVOTE, text, "vote")
    r.log("[ERROR] backend.claude_code: No user messages found to send to Claude Code", "ERROR")
    r.enforce("agent_b", "api_error", 2, "No user messages found to send to Claude Code")
    r.enforce("agent_b", "no_tool_calls", 2, WORKFLOW)
    ending(r)
    return [truth(
        r, "finished", **USUAL, denied_tool_calls=3, tool_calls=4, failed_commands={"test -f result.txt": 1},
        commands={"agent_a": {"sleep 300; echo late": 1, "test -f result.txt": 1, "npm install": 1}},
        enforcement={"agent_b": {"invalid_vote_id": 1, "api_error": 1, "no_tool_calls": 1}},
        buffer_chars_lost={"agent_b": 88},
        notes="Denied: Bash, Read, Write. TodoWrite does not exist: neither. The background command has no exit code.",
    )]


def old_client(backend: str, models: tuple[str, str]) -> Scenario:
    """0.1.45: no events.jsonl; the round whose vote was ignored left no trace, only agent_outputs has its command."""
    def build(root: pathlib.Path, start: float) -> list[Json]:
        agents = {"agent_a": f"{backend}:{models[0]}", "agent_b": f"{backend}:{models[1]}"}
        r = Tree(root, "0.1.45", agents, start=start)
        r.begin()
        r.say("agent_a", "Installing. ")
        r.cmd("agent_a", "npm install", NPM)
        r.cmd("agent_a", "printf 'a\\n\"b\"\\n' | wc -l", "2\n")
        r.cmd("agent_b", "npm install", NPM)
        args = {"path": f"{CWD}/ws/x.txt", "content": "npm install\n"}
        r.call("agent_b", "mcp__filesystem__write_file", args, f"Successfully wrote to {CWD}/ws/x.txt")
        if backend == "claude_code":  # a failed MCP call is told as one, and the tool that isn't there
            lost = {"path": f"{CWD}/ws/nothing.txt"}
            why = f"ENOENT: no such file or directory, open '{CWD}/ws/nothing.txt'"
            r.call("agent_b", "mcp__filesystem__read_text_file", lost, why, error=True)
            absent = "<tool_use_error>Error: No such tool available: TodoWrite</tool_use_error>"
            r.call("agent_b", "TodoWrite", {"todos": []}, absent, error=True)
        answers(r)
        r.cmd("agent_b", "cat lost.txt", err="cat: lost.txt: No such file or directory\n", code=1)
        r.use("agent_b", 5000, 50, 0, 0, 0.001, action="vote" if backend == "gemini" else "")
        r.ignored("agent_b", "agent_a", "Early vote.")
        r.cmd("agent_a", "npm test", err=NOTEST, code=1)
        ending(r)
        late = (29000, 470, 0, 512, 0.0071) if backend == "gemini" else (24000, 420, 0, 512, 0.0061)
        ran = {"npm install": 1, "printf 'a\\n\"b\"\\n' | wc -l": 1, "npm test": 1}
        return [truth(
            r, "finished", **USUAL | {"usage": USUAL["usage"] | {"agent_b": late}}, votes_ignored=1,
            tool_calls=7 if backend == "claude_code" else 6,
            commands={"agent_a": ran, "agent_b": {"npm install": 1, "cat lost.txt": 1}},
            failed_commands={"npm test": 1, "cat lost.txt": 1},
            notes="Commands per agent: agent_outputs (the traces have them once, without the ignored vote's round).",
        )]
    return build


def gemini_doubled(version: str) -> Scenario:
    """Tracked usage of two agents, interleaved, beside an action whose answer was not taken and an API error retried."""
    def build(root: pathlib.Path, start: float) -> list[Json]:
        models = {"agent_a": "gemini:gemini-2.5-flash", "agent_b": "gemini:gemini-2.5-pro"}
        r = Tree(root, version, models, start=start)
        r.begin()
        r.note("agent_a", "Installing ⚠️ [Gemini] Rate limited (HTTP unknown) after partial output. Retrying attempt 2/5...\n")
        r.use("agent_b", 6000, 50, 0, 0, 0.001)
        r.log("[Gemini] Continuation structured coordination action: new_answer")  # with a function call: not taken
        r.event("workspace_action", "agent_b", action_type="new_answer", params='content="5050, too early..."')
        r.cmd("agent_b", "npm install", NPM)
        r.use("agent_b", 7086, 87, 0, 256, 0.002)
        r.use("agent_a", 6978, 81, 0, 256, 0.001)  # the other agent's line between the two
        r.log("[Gemini] Continuation structured coordination action: new_answer")
        r.use("agent_b", 7086, 87, 0, 256, 0.002)
        r.answer("agent_b", TEXT_B)
        r.use("agent_a", 7769, 109, 12, 256, 0.002, action="new_answer")
        r.answer("agent_a", TEXT_A)
        r.inject("agent_b", "agent_a")
        r.use("agent_b", 8271, 101, 0, 256, 0.002, action="vote")
        r.vote("agent_b", "agent_a", WHY_B)
        r.use("agent_a", 8379, 116, 12, 256, 0.002, action="vote")
        r.vote("agent_a", "agent_a", WHY_A)
        r.present("agent_a", FINAL, (3361, 81, 0, 256, 0.001), after=48.5)
        counts = {"agent_a": (42635, 612, 48, 1536, 0.01), "agent_b": (36714, 426, 0, 1024, 0.009)}
        return [truth(
            r, "finished", **USUAL | {"usage": counts}, tool_calls=1, commands={"agent_b": {"npm install": 1}},
            tokens_true={"agent_a": {"input": 26487, "output": 387}, "agent_b": {"input": 21357, "output": 238}},
            notes="Doubled: 7086, 7769, 8271, 8379; the action of the response with 6000 was not taken and not doubled.",
        )]
    return build


def codex_killed(root: pathlib.Path, start: float) -> list[Json]:
    """A killed process: its command stays open, its usage is not reported, its ids and its session go on; a vote is dropped."""
    r = Tree(root, "0.1.97", {"agent_a": "codex:gpt-5.4", "agent_b": "codex:gpt-5.3-codex"}, start=start)
    r.begin()
    r.use("agent_b", 41222, 210, 0, 512)
    r.answer("agent_b", TEXT_B)
    full = "/bin/bash -lc 'sleep 600'"
    r.event("tool_start", "agent_b", tool_id="item_2", tool_name="codex_shell", args={"command": full}, server_name="codex")
    r.use("agent_a", 30000, 200, 0, 256)  # reported between the start and the resume of agent_b's session
    r.answer("agent_a", TEXT_A)
    r.inject("agent_b", "agent_a")
    r.say("agent_b", "\n[Steering delivered — resuming Codex session]\n")
    r.thread(r.ag["agent_b"], resume="01a204b8-b551-7d50-0002-000000000001")
    r.cmd("agent_b", "make check", err="make: *** No rule to make target 'check'.\n", code=2)  # item_2 again
    r.use("agent_a", 56667, 252, 0, 768)
    r.vote("agent_a", "agent_a", WHY_A)
    late = {"agent_id": "agent2", "reason": "Changed my mind."}
    item = {"id": "item_5", "type": "mcp_tool_call", "server": "massgen_workflow_tools", "tool": "vote", "arguments": late}
    r.raw({"type": "item.completed", "item": item | {"result": {"content": "x" * 500}, "status": "completed"}})
    r.log("Codex: ignoring additional workflow MCP completion after first accepted call (%s)")
    r.use("agent_b", 76146, 335, 0, 1024)
    r.vote("agent_b", "agent_a", WHY_B)
    r.present("agent_a", FINAL, (8300, 80, 0, 256, 0.0), after=71.0)
    counts = {"agent_a": (94967, 532, 0, 1280, None), "agent_b": (117368, 545, 0, 1536, None)}
    return [truth(
        r, "finished", **USUAL | {"usage": counts, "duration_s": 71.0}, denied_tool_calls=None, tool_calls=2,
        commands={"agent_b": {"sleep 600": 1, "make check": 1}}, failed_commands={"make check": 1},
        notes="Recorded tokens are right. The second vote (agent2: agent_b) was never taken. `sleep 600` has no result.",
    )]


def claude_retry(root: pathlib.Path, start: float) -> list[Json]:
    """0.1.97: thinking is in the traces only, and a retry begins a new one."""
    r = Tree(root, "0.1.97", {"agent_a": "claude:claude-sonnet-4-5", "agent_b": "claude:claude-haiku-4-5"}, start=start)
    r.begin()
    r.ag["agent_a"].trace.append("### Reasoning\nBefore the retry.\n")
    r.cmd("agent_a", "ls -R", ".:\n")
    r.tick(2.0)
    r.enforce("agent_a", "no_tool_calls", 1, WORKFLOW, "x" * 40)
    r.ag["agent_a"].trace.append("### Reasoning\nAfter the retry.\n")
    r.cmd("agent_a", "npm install", NPM)
    r.ag["agent_a"].trace.append("### Reasoning\nNow I submit.\n")
    usual(r)
    return [truth(
        r, "finished", **USUAL, commands={"agent_a": {"ls -R": 1, "npm install": 1}}, tool_calls=2,
        enforcement={"agent_a": {"no_tool_calls": 1}}, buffer_chars_lost={"agent_a": 40},
        notes="`Before the retry.` is in no file: the trace of that response is lost.",
    )]


def background_tools(root: pathlib.Path, start: float) -> list[Json]:
    """Commands started as background tools: told in any of the ways that MassGen accepts, ended by a hook or a wait."""
    r = Tree(root, "0.1.97", {"agent_a": "openai:gpt-5-mini", "agent_b": "openai:gpt-5"}, start=start)
    r.begin()
    begin, wait = "custom_tool__start_background_tool", "custom_tool__wait_for_background_tool"

    def job(n: int, args: Json) -> None:
        told = {"success": True, "job_id": f"bgtool_{n:012x}", "tool_name": EXEC, "status": "running"}
        r.call("agent_a", begin, {"tool_name": EXEC} | args, json.dumps(told))

    def ended(command: str, code: int, err: str = "") -> str:
        body: Json = {"success": code == 0, "exit_code": code, "stdout": "", "stderr": err}
        return json.dumps(body | {"execution_time": 1.5, "command": command})

    job(1, {"arguments": {"command": "sleep 2; echo done"}})
    job(2, {"arguments": '{"command": "make all"}'})
    job(3, {"args": {"command": "make docs"}})
    job(4, {"command": "make test"})
    refused = json.dumps({"success": False, "error": "Unknown background tool target: mcp__command_line__nosuch"})
    r.call("agent_a", begin, {"tool_name": EXEC, "arguments": {"command": "never started"}}, refused)
    line = f"- [bgtool_000000000001] {EXEC} (completed)\n  Result: {ended('sleep 2; echo done', 0)}"
    banner = "=" * 60
    r.hook("agent_a", "background_tool_complete", "post", "allow",
           inject=f"\n{banner}\n🔄 BACKGROUND TOOL RESULTS\n{banner}\n\n{line}\n\n{banner}")
    for n, command, code in ((2, "make all", 2), (4, "make test", 0)):
        done = {"job_id": f"bgtool_{n:012x}", "tool_name": EXEC, "status": "completed", "success": True, "ready": True}
        r.call("agent_a", wait, {"timeout_seconds": 30}, json.dumps(done | {"result": ended(command, code, "make: no rule\n" * (code > 0))}))
    usual(r)
    return [truth(
        r, "finished", **USUAL, failed_commands={"make all": 1}, tool_calls=7,
        commands={"agent_a": {"sleep 2; echo done": 1, "make all": 1, "make docs": 1, "make test": 1}},
        notes="`never started` did not run. `make docs` was never asked for: no result.",
    )]


def debug_commands(root: pathlib.Path, start: float) -> list[Json]:
    """--debug: neither events.jsonl nor massgen.log; agent_outputs has one writer only."""
    r = Tree(root, "0.1.97", PAIR, start=start, debug=True)
    r.begin()
    r.think("agent_a", "I should check what files exist, perhaps with npm install.")
    r.cmd("agent_a", "ls -R", ".:\n")
    r.cmd("agent_a", "npm install", NPM)
    r.cmd("agent_b", "npm install", NPM)
    answers(r)
    r.cmd("agent_a", "npm test", err=NOTEST, code=1)
    r.use("agent_a", 6000, 70, 0, 0, 0.001)
    r.ignored("agent_a", "agent_b", "Too early.")
    ending(r)
    usage = USUAL["usage"] | {"agent_a": (29000, 570, 0, 768, 0.0052)}
    return [truth(
        r, "finished", **USUAL | {"usage": usage}, votes_ignored=1, tool_calls=4, failed_commands={"npm test": 1},
        commands={"agent_a": {"ls -R": 1, "npm install": 1, "npm test": 1}, "agent_b": {"npm install": 1}},
        notes="`npm test` stands in no trace (its vote was ignored), only in agent_outputs and massgen_debug.log.",
    )]


def startup_failure(root: pathlib.Path, start: float) -> list[Json]:
    """A missing API key: metadata with the failure, massgen.log, an empty events.jsonl."""
    r = Tree(root, "0.1.97", {"agent_a": "openai:gpt-5-mini", "agent_b": "claude:claude-sonnet-4-5"}, start=start)
    r.log(f"Logging enabled - logging INFO+ to file: {r.rel}/massgen.log")
    r.log(f"Events log: {r.rel}/events.jsonl")
    text = "OpenAI API key not found. Set OPENAI_API_KEY environment variable.\nYou can add it to a .env file in:\n"
    text += "  - Current directory: .env"
    r.metadata(failure_stage="configuration_error", failure_error=text)
    r.write()
    return [truth(
        r, "failed", enforcement=None, buffer_chars_lost=None,
        notes="failure_stage and failure_error stand in cli_args of the metadata; the agents are those of its config.",
    )]


def killed(version: str) -> Scenario:
    """kill -9 in old versions: status.json frozen (0.1.0: none), nothing that is written at the end."""
    def build(root: pathlib.Path, start: float) -> list[Json]:
        r = Tree(root, version, PAIR, start=start)
        r.begin()
        r.say("agent_a", "Installing. ")
        r.cmd("agent_a", "npm install", NPM)
        r.cmd("agent_b", "npm test", err=NOTEST, code=1)
        r.use("agent_b", 11000, 260, 0, 256, 0.003)
        r.answer("agent_b", TEXT_B)
        known: Json = {"failed_commands": {"npm test": 1}, "tool_calls": 2}
        known["commands"] = {"agent_a": {"npm install": 1}, "agent_b": {"npm test": 1}}
        if r.v < 36:
            known["commands"] = {"*": {"npm install": 1, "npm test": 1}}
        if r.v == 12:
            known |= {"answers": "agent2.1=agent_b", "rounds": {"agent_a": (0, 0), "agent_b": (1, 0)}}
        else:
            r.use("agent_a", 12000, 300, 0, 512, 0.002)
            r.answer("agent_a", TEXT_A)
            rounds = {"agent_a": (1, 0), "agent_b": (1, 0)}
            known |= {"answers": "agent2.1=agent_b agent1.1=agent_a", "rounds": rounds if r.v else None}
        if r.v == 36:  # the live-lock: votes that nobody takes
            for _ in range(2):
                r.use("agent_a", 8000, 120, 0, 0, 0.0015)
                r.ignored("agent_a", "agent_a", WHY_A)
            usage = {"agent_a": (28000, 540, 0, 512, 0.005), "agent_b": (11000, 260, 0, 256, 0.003)}
            known |= {"votes_ignored": 2, "usage": usage}
        if r.v == 0:
            r.cast("agent_b", "agent_a", "Too early.")
            r.chunk("agent_b", "content", "🔄 [agent_b] Vote invalid - restarting due to new answers")
            r.start("agent_b")
            known |= {"votes_ignored": 1}
        if r.v == 45:
            r.say("agent_b", "I think so.")
            r.use("agent_b", 4000, 30, 0, 0, 0.001)
            r.enforce("agent_b", "no_tool_calls", 1, WORKFLOW, "I think so.")
            usage = {"agent_a": (12000, 300, 0, 512, 0.002), "agent_b": (23000, 400, 0, 512, 0.0061)}
            known |= {"enforcement": {"agent_b": {"no_tool_calls": 1}}, "buffer_chars_lost": {"agent_b": 11}}
            known["usage"] = usage
            r.put("status.json.tmp", '{"finish_reason": "in_pro')
        if r.v in (0, 45):
            r.use("agent_b", 8000, 110, 0, 256, 0.0021)
            r.vote("agent_b", "agent_a", WHY_B)
            known |= {"votes": {"agent_b": ("agent_a", WHY_B)}}
        r.frozen = r.status()
        r.say("agent_a", "Now I look at everything once more, very slowly, and then")
        r.write(cut=25 if r.v == 0 else 0)
        return [truth(r, "unfinished", **known, notes="Killed: counts from the last status.json and from massgen.log.")]
    return build


def interactive(root: pathlib.Path, start: float) -> list[Json]:
    """Two turns in one session: each complete, but the second one's costs, rounds and tools include the first's."""
    cli = {"mode": "interactive", "turn": 1, "session_id": "session_20261110_084000"}
    one = Tree(root, "0.1.97", PAIR, start=start, cli=cli)
    one.begin()
    one.cmd("agent_a", "npm install", NPM)
    usual(one)
    again = cli | {"turn": 2}
    two = Tree(root, "0.1.97", PAIR, start=one.t + 20, question="And to 200?", turn=2, before=one, cli=again)
    two.begin()
    two.cmd("agent_b", "npm install", NPM)
    two.cmd("agent_b", "npm test", err=NOTEST, code=1)
    usual(two)
    usage = {"agent_a": (46000, 1000, 0, 1536, 0.0084), "agent_b": (38000, 740, 0, 1024, 0.0102)}
    return [
        truth(one, "finished", **USUAL, commands={"agent_a": {"npm install": 1}}, tool_calls=1),
        truth(
            two, "finished", **USUAL | {"usage": usage}, tool_calls=2, cumulative=True, failed_commands={"npm test": 1},
            commands={"agent_b": {"npm install": 1, "npm test": 1}},
            notes="tokens, cost, rounds and tool metrics include turn 1; the commands are this turn's.",
        ),
    ]


TRIO = {"zeta": "chatcompletion:gpt-4o-mini", "alpha": "chatcompletion:gpt-4o", "mid": "chatcompletion:gpt-4.1-mini"}
POND = "Old pond / a frog leaps in / water's sound."


def three_answers(root: pathlib.Path, start: float, version: str, limit: int = 150) -> Tree:
    config = {"timeout_settings": {"orchestrator_timeout_seconds": limit}}
    r = Tree(root, version, TRIO, start=start, question="Write a haiku about a frog.", config=config)
    r.begin()
    r.use("alpha", 4000, 80, 0, 0, 0.01)
    r.answer("alpha", POND)
    r.use("zeta", 4100, 60, 0, 0, 0.001)
    r.answer("zeta", "Old pond, frog jumps.")
    r.use("mid", 4200, 70, 0, 0, 0.002)
    r.answer("mid", "Autumn moonlight / a worm digs silently.")
    for a, source in (("alpha", "zeta"), ("alpha", "mid"), ("zeta", "mid")):
        r.inject(a, source)
    r.tick(20)
    return r


def misrecorded_votes(root: pathlib.Path, start: float) -> list[Json]:
    """0.1.55, ids not sorted: the prompt shows labels by config order, votes are resolved by sorted ids."""
    r = three_answers(root, start, "0.1.55")
    why, text = "alpha's classic frog image, shown to me as agent2.1, is the best.", "Autumn moonlight (final by mid)."
    for a in ("mid", "alpha", "zeta"):
        r.use(a, 5000, 50, 0, 0, 0.002)
        r.vote(a, "mid", why, named="agent2")
    r.present("mid", text, (3000, 40, 0, 0, 0.001), after=62.0)
    return [truth(
        r, "finished", winner="mid", answers="agent2.1=alpha agent1.1=zeta agent3.1=mid", duration_s=62.0,
        final_answer="Autumn moonlight (final by mid).",
        votes={"mid": ("mid", why), "alpha": ("mid", why), "zeta": ("mid", why)},
        votes_meant={"mid": "alpha", "alpha": "alpha", "zeta": "alpha"},
        rounds={"zeta": (1, 1), "alpha": (1, 1), "mid": (2, 1)},
        usage={"zeta": (9100, 110, 0, 0, 0.003), "alpha": (9000, 130, 0, 0, 0.012), "mid": (12200, 160, 0, 0, 0.005)},
        notes="agent_mapping agent2 = mid, label agent2.1 = alpha's: every voter meant alpha, MassGen recorded mid.",
    )]


def timeout_in_presentation(root: pathlib.Path, start: float) -> list[Json]:
    """0.1.61: the time runs out while the winner presents; its stored answer is the final one."""
    r = three_answers(root, start, "0.1.61")
    votes = {"mid": "agent1 is classic.", "alpha": "agent1 has the sound.", "zeta": "agent1 leaps."}
    for a, why in votes.items():
        r.use(a, 5000, 50, 0, 0, 0.002)
        r.vote(a, "alpha", why)
    r.t = r.t0 + 149.8
    trace = r.render(r.ag["alpha"])
    context = r.choose("alpha")
    r.tick(0.3)
    r.keep("alpha", POND, trace, context)
    stored = f"\n📋 Using stored answer as final presentation:\n\n{POND}"
    r.event("text", "alpha", content=stored)
    r.chunk("alpha", "content", stored)
    r.event("final_presentation_end", "alpha")
    r.expire(150, "alpha", "most votes")
    r.keep("alpha", POND, trace, context)
    r.finish(150.4)
    return [truth(
        r, "timed_out", winner="alpha", answers="agent1.1=alpha agent3.1=zeta agent2.1=mid", duration_s=150.4,
        votes={
            "mid": ("alpha", "agent1 is classic."), "alpha": ("alpha", "agent1 has the sound."),
            "zeta": ("alpha", "agent1 leaps."),
        },
        final_answer="Old pond / a frog leaps in / water's sound.",
        rounds={"zeta": (1, 1), "alpha": (2, 1), "mid": (1, 1)},
        usage={"zeta": (9100, 110, 0, 0, 0.003), "alpha": (9000, 130, 0, 0, 0.012), "mid": (9200, 120, 0, 0, 0.004)},
        notes="All had voted. Nothing was presented: the final answer is the stored one, noted twice.",
    )]


def timeout_without_winner(root: pathlib.Path, start: float) -> list[Json]:
    """0.1.61, S14: winner null in status.json and coordination_events.json, told by winner_selected's Python repr."""
    r = three_answers(root, start, "0.1.61", limit=80)
    for a, why in (("mid", "agent1 is classic."), ("alpha", 'agent1 has the "sound", it\'s {best}.')):
        r.use(a, 5000, 50, 0, 0, 0.002)
        r.vote(a, "alpha", why)
    r.t = r.t0 + 80
    r.coord("agent_timeout", "zeta", "TIMEOUT: Time limit exceeded (80.0s/80s)")
    r.expire(80, "alpha", "most votes")
    r.keep("alpha", POND, r.render(r.ag["alpha"]))
    r.finish(80.0)
    return [truth(
        r, "timed_out", winner="alpha", answers="agent1.1=alpha agent3.1=zeta agent2.1=mid", duration_s=80.0,
        votes={"mid": ("alpha", "agent1 is classic."), "alpha": ("alpha", 'agent1 has the "sound", it\'s {best}.')},
        final_answer="Old pond / a frog leaps in / water's sound.",
        rounds={"zeta": (1, 1), "alpha": (1, 1), "mid": (1, 1)},
        usage={"zeta": (4100, 60, 0, 0, 0.001), "alpha": (9000, 130, 0, 0, 0.012), "mid": (9200, 120, 0, 0, 0.004)},
        notes="zeta never voted. No presentation was asked for.",
    )]


def dead_agent(root: pathlib.Path, start: float) -> list[Json]:
    """S38: status.json says error and is_complete as soon as one agent is dead; the others were still at work."""
    r = Tree(root, "0.1.97", PAIR | {"agent_c": "chatcompletion:gpt-4.1-mini"}, start=start)
    r.begin()
    for i, text in enumerate(("I only talk, part one.", "I only talk, part two.", "I only talk, part three."), 1):
        r.use("agent_a", 3000, 20, 0, 0, 0.0005)
        r.say("agent_a", text)
        if i < 3:
            r.enforce("agent_a", "no_tool_calls", i, WORKFLOW, text)
    r.die("agent_a", "Agent failed to use workflow tools after 3 attempts")
    r.cmd("agent_c", "npm install", NPM)
    r.use("agent_b", 11000, 260, 0, 256, 0.003)
    r.answer("agent_b", TEXT_B)
    r.use("agent_c", 9000, 100, 0, 0, 0.004)
    r.answer("agent_c", "5050, by hand (agent_c).")
    r.inject("agent_b", "agent_c")
    r.use("agent_b", 8000, 110, 0, 256, 0.0021)
    r.vote("agent_b", "agent_c", "agent3 did it by hand.")
    r.frozen = r.status()
    r.tick(1.5)
    r.cmd("agent_c", "npm test", err=NOTEST, code=1)
    r.say("agent_c", "I compare both answers and then I am going to")
    r.write(cut=30)
    return [truth(
        r, "unfinished", answers="agent2.1=agent_b agent3.1=agent_c", failed_commands={"npm test": 1}, tool_calls=2,
        votes={"agent_b": ("agent_c", "agent3 did it by hand.")},
        commands={"agent_c": {"npm install": 1, "npm test": 1}},
        enforcement={"agent_a": {"no_tool_calls": 2}}, buffer_chars_lost={"agent_a": 44},
        rounds={"agent_a": (0, 0), "agent_b": (1, 1), "agent_c": (1, 1)},
        usage={
            "agent_a": (9000, 60, 0, 0, 0.0015), "agent_b": (19000, 370, 0, 512, 0.0051),
            "agent_c": (9000, 100, 0, 0, 0.004),
        },
        notes="finish_reason error and is_complete mean one dead agent; agent_c went on until the process was killed.",
    )]


def mcp_server_killed(root: pathlib.Path, start: float) -> list[Json]:
    """The command server dies under a command: that one ran, the next ones found no server."""
    r = Tree(root, "0.1.97", PAIR, start=start)
    r.begin()
    r.cmd("agent_a", "ls -R", ".:\n")
    where = f"Context: tool_name={EXEC}, arguments={{'command': 'kill -9 $PPID'}}, server_name=command_line"
    gone = "Error: Server 'command_line' not connected"
    for command, result in (
        ("kill -9 $PPID", f"Error: Tool call failed: Connection closed | {where}"),
        ("npm install", f"{gone} | Context: server_name=command_line"), ("npm install", gone),
    ):
        r.call("agent_a", EXEC, {"command": command}, result, error=True, pause=1.2)
    r.cmd("agent_b", "npm install", NPM)
    usual(r)
    return [truth(
        r, "finished", **USUAL, tool_calls=3,
        commands={"agent_a": {"ls -R": 1, "kill -9 $PPID": 1}, "agent_b": {"npm install": 1}},
        notes="`kill -9 $PPID` ran (no exit code: not failed); agent_a's `npm install` never started; not refused.",
    )]


def dropped_vote(root: pathlib.Path, start: float) -> list[Json]:
    """0.1.12: an update reaches a voter and its vote vanishes without a record."""
    r = Tree(root, "0.1.12", PAIR, start=start)
    r.begin()
    answers(r)
    r.cast("agent_b", "agent_b", "Only mine is here.", named="agent1")
    r.log("[Orchestrator] Injecting update for agent_b")
    r.log("[Orchestrator._save_partial_work_on_restart] Saving partial work for agent_b before restart")
    note = f"UPDATE: While you were working, new answers were provided.\n\n<agent1> {TEXT_A} </agent1>"
    folder = r.snapshot("agent_b", {"update_message.txt": {"role": "user", "content": note}})
    r.log(f"[Orchestrator] Saved update message to {r.rel}/agent_b/{folder}/update_message.txt")
    r.chunk("agent_b", "content", "📨 [agent_b] receiving update with new answers")
    r.coord("update_injected", "agent_b", "UPDATE_INJECTED: Received update with 1 NEW answer(s) from: agent_a")
    r.see("agent_b", "agent_a")
    ending(r)
    known = USUAL | {"usage": None, "votes_ignored": None}
    return [truth(r, "finished", **known, notes="3 votes were called, 2 recorded; no record names the dropped one.")]


def noisy_commands(root: pathlib.Path, start: float) -> list[Json]:
    """0.1.12: commands stand only in massgen.log, each up to three times, among texts that look like commands."""
    r = Tree(root, "0.1.12", PAIR, start=start)
    r.begin()
    marker = f'🔧 MCP: Arguments for Calling {EXEC}: {{"command": "never run"}}'
    r.say("agent_a", f"First I would have to write\n{marker}\n✅ [MCP Tool] {EXEC} completed\nbut I do not. ")
    script = 'python3 - <<\'PY\'\nimport json\nprint(json.dumps({"a": "b\\n", "c": "\\\\d"}))\nPY'
    noise = f"echo '[MCP Tool] {EXEC}] completed' && printf \"%s\\n\" \"it's \\\"quoted\\\" }}]\""
    r.cmd("agent_a", script, '{"a": "b\\n", "c": "\\\\d"}\n')
    r.cmd("agent_b", noise, f"[MCP Tool] {EXEC}] completed\nit's \"quoted\" }}]\n")
    r.cmd("agent_a", "cat massgen.log", f"{marker}\n08:40:00 | INFO     | Stream chunk [content]: {marker}\n")
    r.cmd("agent_b", "npm test", f'{{"exit_code":0}}\n{marker}\n', NOTEST, code=1)
    r.cmd("agent_b", "npm test", f'{{"exit_code":0}}\n{marker}\n', NOTEST, code=1)
    r.cmd("agent_a", "grep -c 'ünï — ✓' notes.txt", "0\n", code=1)
    usual(r)
    ran = {script: 1, noise: 1, "cat massgen.log": 1, "npm test": 2, "grep -c 'ünï — ✓' notes.txt": 1}
    return [truth(
        r, "finished", **USUAL | {"usage": None}, commands={"*": ran}, tool_calls=6,
        failed_commands={"npm test": 2, "grep -c 'ünï — ✓' notes.txt": 1},
        notes="`never run` was only said and printed. massgen.log names no agent.",
    )]


def single_agent(root: pathlib.Path, start: float) -> list[Json]:
    """0.1.45 with `agent:` instead of `agents:`; openai's reasoning summaries and phantom second votes."""
    r = Tree(root, "0.1.45", {"solo": "openai:gpt-5-mini"}, start=start, single=True)
    r.begin()
    r.think("solo", "**Planning**\n\nI could run `rm -rf build`, but npm install is enough.")
    r.say("solo", "Installing. ")
    r.cmd("solo", "npm install", NPM)
    r.cmd("solo", "python3 check.py --strict", err="python3: can't open file 'check.py'\n", code=2)
    r.use("solo", 18000, 300, 64, 1024, 0.005)
    r.answer("solo", "The sum is 5050 (solo).")
    r.think("solo", "Mine is the only answer.")
    r.use("solo", 7000, 90, 16, 1024, 0.002)
    r.vote("solo", "solo", "agent1 is the only answer.")
    r.present("solo", "The sum is **5050** (final by solo).", (2000, 60, 0, 0, 0.0006), after=31.0)
    return [truth(
        r, "finished", winner="solo", answers="agent1.1=solo", final_answer="The sum is **5050** (final by solo).",
        votes={"solo": ("solo", "agent1 is the only answer.")}, duration_s=31.0, rounds={"solo": (2, 1)}, tool_calls=2,
        commands={"solo": {"npm install": 1, "python3 check.py --strict": 1}},
        failed_commands={"python3 check.py --strict": 1}, usage={"solo": (27000, 450, 80, 2048, 0.0076)},
        notes="'made 2 votes' is an artefact: one vote.",
    )]


def unknown_backend(root: pathlib.Path, start: float) -> list[Json]:
    """A backend type that nobody knows, otherwise as chatcompletion."""
    r = Tree(root, "0.1.97", {"agent_a": "frobnicator:frob-1", "agent_b": "frobnicator:frob-2"}, start=start)
    r.begin()
    r.cmd("agent_a", "npm install", NPM)
    r.cmd("agent_a", "npm test", err=NOTEST, code=1)
    r.cmd("agent_b", "npm install", NPM)
    usual(r)
    return [truth(
        r, "finished", **USUAL, tool_calls=3, failed_commands={"npm test": 1},
        commands={"agent_a": {"npm install": 1, "npm test": 1}, "agent_b": {"npm install": 1}},
    )]


def silent_subagent(root: pathlib.Path, start: float) -> list[Json]:
    """A sub-agent that never called a model and is "completed" (the child's error is its answer)."""
    r = Tree(root, "0.1.97", PAIR, start=start)
    r.begin()
    said = '{"success": true, "results": [{"subagent_id": "sum", "status": "completed", "answer": "❌ Error: no api_key"}]}'
    r.call("agent_a", "mcp__subagent_1a2b__spawn_subagents", {"tasks": [{"task": "add them", "subagent_id": "sum"}]}, said)
    usual(r)
    summary = json.loads((r.dir / "metrics_summary.json").read_text())
    child = {
        "subagent_id": "sum", "status": "initial_answer", "task": "add them", "input_tokens": 0, "output_tokens": 0,
        "estimated_cost": 0.0, "elapsed_seconds": 3.1, "api_timing": {"total_calls": 0},
    }
    r.put("metrics_summary.json", summary | {"subagents": {"total_subagents": 1, "subagents": [child]}})
    return [truth(r, "finished", **USUAL, tool_calls=1)]


def pivot(root: pathlib.Path, start: float) -> list[Json]:
    """agent_a's `npm test` fails twice, then it counts with python and gets on."""
    r = Tree(root, "0.1.97", PAIR, start=start)
    r.begin()
    r.cmd("agent_a", "npm test", err=NOTEST, code=1)
    r.cmd("agent_a", "npm test -- --silent", err=NOTEST, code=1)
    r.cmd("agent_a", "python3 sum.py", "5050\n")
    r.cmd("agent_b", "cat sum.py", "print(sum(range(101)))\n")
    usual(r)
    return [truth(
        r, "finished", **USUAL, tool_calls=4, failed_commands={"npm test": 1, "npm test -- --silent": 1},
        commands={"agent_a": {"npm test": 1, "npm test -- --silent": 1, "python3 sum.py": 1}, "agent_b": {"cat sum.py": 1}},
    )]


def winner_against_votes(root: pathlib.Path, start: float) -> list[Json]:
    """Both agents vote for agent_b, and the files name agent_a as winner and presenter."""
    r = Tree(root, "0.1.97", PAIR, start=start)
    r.begin()
    answers(r)
    why = "agent2 has the formula."
    for a in ("agent_b", "agent_a"):
        r.use(a, 8000, 110, 0, 256, 0.002)
        r.vote(a, "agent_b", why)
    r.present("agent_a", FINAL, (3000, 80, 0, 256, 0.0007), after=48.5)
    known = USUAL | {"votes": {"agent_b": ("agent_b", why), "agent_a": ("agent_b", why)}}
    known["usage"] = {"agent_a": (23000, 490, 0, 1024, 0.0047), "agent_b": (19000, 370, 0, 512, 0.005)}
    return [truth(r, "finished", **known)]


SCENARIOS: dict[str, Scenario] = {
    "hook_denied": hook_denied, "codex_resume": codex_resume, "mixed_clients": mixed_clients,
    "claude_code_errors": claude_code_errors,
    "claude_code_old": old_client("claude_code", ("claude-sonnet-4-5", "claude-opus-4-5")),
    "gemini_old": old_client("gemini", ("gemini-2.5-flash", "gemini-2.5-pro")),
    "debug_commands": debug_commands, "startup_failure": startup_failure, "killed_first": killed("0.1.0"),
    "killed_nov": killed("0.1.12"), "killed_livelock": killed("0.1.36"), "killed_jan": killed("0.1.45"),
    "interactive": interactive, "misrecorded_votes": misrecorded_votes,
    "timeout_in_presentation": timeout_in_presentation, "timeout_without_winner": timeout_without_winner,
    "dead_agent": dead_agent, "mcp_server_killed": mcp_server_killed, "dropped_vote": dropped_vote,
    "noisy_commands": noisy_commands, "single_agent": single_agent, "unknown_backend": unknown_backend,
    "silent_subagent": silent_subagent, "pivot": pivot, "winner_against_votes": winner_against_votes,
    "gemini_doubled_old": gemini_doubled("0.1.45"), "gemini_doubled": gemini_doubled("0.1.97"),
    "codex_killed": codex_killed, "claude_retry": claude_retry, "background_tools": background_tools,
}


def build_all(dest: pathlib.Path) -> list[str]:
    """Write every tree under `dest` and return their names."""
    for i, (name, scenario) in enumerate(SCENARIOS.items()):
        runs = scenario(dest / name, BASE + 3600 * i + 0.123456)
        text = json.dumps({"runs": runs, "conventions": CONVENTIONS}, indent=1, ensure_ascii=False)
        (dest / name / "truth.json").write_text(text + "\n", encoding="utf-8")
    return list(SCENARIOS)


if __name__ == "__main__":
    print("\n".join(build_all(pathlib.Path(sys.argv[1]))))
