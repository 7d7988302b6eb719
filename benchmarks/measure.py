"""Running commands and MCP servers for their CPU time, wall time and peak memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """cpu: user and system seconds of a process and all its children; wall: seconds; peak: megabytes of the largest of them."""

    cpu: float
    wall: float
    peak: float


def environment() -> dict[str, str]:
    """Of every command: C locale, no bytecode left unwritten, no logs of the machine's user."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", "LANG"}}
    return kept | {"LC_ALL": "C", "PYTHONUTF8": "1", "COLUMNS": "200"}


def command(arguments: Sequence[str], cwd: Path) -> Cost:
    """Run it to its end.

    Raises:
        RuntimeError: if it fails, with what it said.
    """
    begun = time.monotonic()
    with open(os.devnull, "wb") as null, (cwd / ".stderr").open("wb") as errors:
        process = subprocess.Popen(
            arguments, cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, stdout=null, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(
            f"{' '.join(arguments)[:200]}: exit {process.returncode}: {(cwd / '.stderr').read_text()[-500:]}"
        )
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - begun, used.ru_maxrss / 1024)


class Server:
    """A stdio MCP server, spoken to by hand."""

    def __init__(self, arguments: Sequence[str], cwd: Path) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.number = 0
        self.ask(
            "initialize",
            {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}},
        )
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _send(self, message: dict[str, object]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, parameters: dict[str, object]) -> dict[str, object]:
        """The answer to a request.

        Raises:
            RuntimeError: if the server ends, or refuses.
        """
        self.number += 1
        self._send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": parameters})
        assert self.process.stdout
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.number:
                if "error" in answer or answer["result"].get("isError"):
                    raise RuntimeError(f"{method}: {line[:300]!r}")
                return answer["result"]
        raise RuntimeError(f"{method}: the server ended")

    def call(self, tool: str, **arguments: object) -> float:
        """Seconds that a call of a tool takes."""
        begun = time.monotonic()
        self.ask("tools/call", {"name": tool, "arguments": arguments})
        return time.monotonic() - begun

    def end(self) -> Cost:
        """Stop it; its cost, the wall time up to here."""
        wall = time.monotonic() - self.begun
        assert self.process.stdin
        self.process.stdin.close()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)


def listing(arguments: Sequence[str], cwd: Path) -> Cost:
    """From the start of a server to its answer to tools/list."""
    server = Server(arguments, cwd)
    server.ask("tools/list", {})
    return server.end()


def in_turn(ours: Callable[[], Cost], peer: Callable[[], Cost] | None, runs: int) -> tuple[list[Cost], list[Cost]]:
    """A B A B, so that what else the machine does hits both alike."""
    first, second = list[Cost](), list[Cost]()
    for _ in range(runs):
        first.append(ours())
        if peer:
            second.append(peer())
    return first, second


def median(costs: Sequence[Cost]) -> Cost:
    """Of each figure by itself."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu", "wall", "peak")))
