"""A scripted OpenAI-compatible model on loopback: three analysts call tools, answer, vote, and one presents.

What an agent does follows from the request alone: MassGen offers `vote` while agents work and not to the presenter, and
each of its requests holds what the agent did before. Every request is kept for the test to look at.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Call = tuple[str, dict[str, Any]]


@dataclass
class Model:
    """decide: (model, phase, turn of the phase) to the calls of that response; phase is answer, vote or final."""

    decide: Callable[[str, str, int], list[Call]]
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def respond(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The tool calls for one request."""
        self.requests.append(body)
        offered = [tool["function"]["name"] for tool in body.get("tools") or []]
        none = "no answers available yet" in json.dumps(body["messages"])
        phase = "final" if "vote" not in offered else "answer" if none else "vote"
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        calls = self.decide(body["model"], phase, turn)
        return [
            {
                "index": index, "id": f"call_{len(self.requests)}_{index}", "type": "function",
                "function": {
                    "name": next((name for name in offered if name in {tool, f"mcp__massgen-logs__{tool}"}), tool),
                    "arguments": json.dumps(arguments),
                },
            }
            for index, (tool, arguments) in enumerate(calls)
        ]  # fmt: skip

    def results(self, model: str) -> list[str]:
        """What tools answered to this model, each once."""
        texts = [
            message["content"] for body in self.requests if body["model"] == model
            for message in body["messages"] if message["role"] == "tool"
        ]  # fmt: skip
        return list(dict.fromkeys(text if isinstance(text, str) else json.dumps(text) for text in texts))


@contextmanager
def served(model: Model) -> Iterator[Model]:
    """The model behind `model.url` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            base = {"id": "chatcmpl-1", "created": 1, "model": body["model"], "object": "chat.completion.chunk"}
            delta = {"role": "assistant", "content": "", "tool_calls": model.respond(body)}
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            chunks = [
                {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
                {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
                {**base, "choices": [], "usage": usage},
            ]
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for line in (*map(json.dumps, chunks), "[DONE]"):
                self.wfile.write(f"data: {line}\n\n".encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
