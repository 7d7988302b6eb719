"""The real Claude Code without a login, in a home of its own, and the model API that a script answers on the loopback.

What this can't show: whether a real model would pick the skill and these tools.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
NPM = ROOT / ".npm" / "node_modules"
CLAUDE = NPM / ".bin" / "claude"
INSPECTOR = NPM / ".bin" / "mcp-inspector"
UV = shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
SHIPPED = (
    ".claude-plugin",
    ".mcp.json",
    "SKILL.md",
    "skill_assets",
    "server",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)
PREFIX = "mcp__plugin_massgen-log-analyzer_massgen-logs__"

Turn = list[dict[str, Any]] | Callable[[list[str]], list[dict[str, Any]]]
"""Content blocks of one answer of the model; or what makes them of the texts of all tool results so far."""


def use(name: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool."""
    return {"type": "tool_use", "name": name, "input": arguments}


def say(text: str) -> dict[str, Any]:
    """A text."""
    return {"type": "text", "text": text}


@dataclass
class Run:
    """What `claude -p` printed, and what it sent to the model."""

    events: list[dict[str, Any]]
    requests: list[dict[str, Any]]

    @property
    def init(self) -> dict[str, Any]:
        """The first event: tools, servers, skills."""
        return next(e for e in self.events if e.get("subtype") == "init")

    @property
    def results(self) -> list[str]:
        """The texts of all tool results, in order."""
        return results_in(self.requests[-1])

    @property
    def sent(self) -> str:
        """Everything that the model was sent last."""
        return json.dumps(self.requests[-1], ensure_ascii=False)


def results_in(request: dict[str, Any]) -> list[str]:
    """The texts of the tool results of a request, in the order of the calls (the client sends what is ready first)."""
    blocks = [b for m in request["messages"] if isinstance(m["content"], list) for b in m["content"]]
    texts = {b["tool_use_id"]: _text(b["content"]) for b in blocks if b["type"] == "tool_result"}
    return [texts[b["id"]] for b in blocks if b["type"] == "tool_use"]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's, with another home, and nothing that a Claude Code or a user's set-up around it has left."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLAUDE", "ANTHROPIC", "LOGFIRE", "MASSGEN"))}
    cache = (
        os.environ.get("UV_CACHE_DIR")
        or subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    )
    path = os.pathsep.join([str(Path(UV).resolve().parent), os.environ.get("PATH", "")])
    return kept | {
        "HOME": str(home), "PATH": path, "UV_CACHE_DIR": cache, "LANG": "C.UTF-8", "TERM": "dumb", "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "MCP_TIMEOUT": "120000",
        "MCP_CONNECT_TIMEOUT_MS": "120000", "MCP_CONNECTION_NONBLOCKING": "false",  # wait for a server that starts slowly
        **more,
    }  # fmt: skip


def claude(home: Path, cwd: Path, *arguments: str, **more: str) -> str:
    """Run a command of Claude Code; its output. Fails where it fails."""
    done = subprocess.run(
        [str(CLAUDE), *arguments], cwd=cwd, env=environment(home, **more), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def prompt(home: Path, cwd: Path, words: str, script: Sequence[Turn], allowed: str, *flags: str, **more: str) -> Run:
    """`claude -p`, the model being `script`."""
    with scripted(script) as api:
        printed = claude(
            home, cwd, "-p", words, "--model", "claude-sonnet-4-5", "--max-turns", "40", "--allowedTools", allowed,
            "--output-format", "stream-json", "--verbose", *flags,
            ANTHROPIC_BASE_URL=f"http://127.0.0.1:{api.port}", ANTHROPIC_API_KEY="sk-ant-dummy", **more,
        )  # fmt: skip
    assert not api.script, f"{len(api.script)} turns of the script were not asked for"
    return Run([json.loads(line) for line in printed.splitlines()], api.requests)


@dataclass
class Api:
    """The scripted model: what it has still to say, and what it was sent."""

    script: list[Turn]
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and authorization of each request."""

    def answer(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """The next turn; "ok" to requests without tools (titles)."""
        if not request.get("tools"):
            return [say("ok")]
        self.requests.append(request)
        turn = self.script.pop(0) if self.script else [say("the script has ended")]
        return turn if isinstance(turn, list) else turn(results_in(request))


@contextmanager
def scripted(script: Sequence[Turn]) -> Iterator[Api]:
    """A Messages API on the loopback."""
    api = Api(list(script))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            api.asked.append((self.path, self.headers["Authorization"]))
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.startswith("/v1/"):
                return self.send_error(404)
            if self.path.startswith("/v1/messages/count_tokens"):
                return self.reply("application/json", json.dumps({"input_tokens": len(json.dumps(request)) // 4}))
            return self.reply("text/event-stream", "".join(_events(api.answer(request), len(api.requests))))

        def reply(self, kind: str, body: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


def _events(blocks: list[dict[str, Any]], number: int) -> Iterator[str]:
    """One answer as server-sent events."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    yield _event("message_start", message=message)
    for i, block in enumerate(blocks):
        if block["type"] == "text":
            start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            start = {"type": "tool_use", "id": f"toolu_{number}_{i}", "name": block["name"], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield _event("content_block_start", index=i, content_block=start)
        yield _event("content_block_delta", index=i, delta=delta)
        yield _event("content_block_stop", index=i)
    reason = "tool_use" if any(b["type"] == "tool_use" for b in blocks) else "end_turn"
    yield _event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage)
    yield _event("message_stop")


def _event(kind: str, **data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"
