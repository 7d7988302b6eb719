"""`codex`: the shell is codex_shell, its command wrapped in `/bin/bash -lc '...'`; ` (exit N)` ends a failure's first line.

A call that Codex's own policy refuses leaves nothing in MassGen's files. Call ids restart with every process. A patch
is recorded twice. No cost is recorded (0.0), and usage after a resume is cumulative and added again.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from massgen_logs.readers.base import integer, mapping, parse_json, text
from massgen_logs.readers.massgen_log import LogLine
from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect, Excess, Outcome, Tokens

_EXIT = re.compile(r" \(exit (-?\d+)\)(?:\n|$)")


def command(tool: str, args: Mapping[str, object]) -> str | None:
    """The command without the client's wrapper: the last word of `/bin/bash -lc '...'` after shell unquoting."""
    if tool != "codex_shell":
        return command_line.command(tool, args)
    wrapped = text(args.get("command"))
    return None if wrapped is None else unwrap(wrapped)


def unwrap(wrapped: str) -> str:
    """The script of a `SHELL -lc SCRIPT` line; anything else unchanged."""
    try:
        words = shlex.split(wrapped)
    except ValueError:
        return wrapped
    return words[2] if len(words) == 3 and words[1] in {"-lc", "-c"} and words[0].endswith("sh") else wrapped


def outcome(tool: str, args: Mapping[str, object], result: str, is_error: bool | None) -> Outcome:
    """Outcome by the line that echoes the command."""
    if tool != "codex_shell":
        return command_line.outcome(tool, args, result, is_error)
    echo = f"$ {text(args.get('command')) or ''}"
    rest = result[len(echo) :] if result.startswith(echo) else "\n" + result
    match = _EXIT.match(rest) or _EXIT.search(result.split("\n", 1)[0])
    if match and match[1] != "0":
        after = rest[match.end() :] if rest.startswith(match[0]) else ""
        return Outcome("failed", int(match[1]), error=after.split("\n", 1)[0][:200] or f"exit {match[1]}")
    return Outcome("unknown", error=result[:200]) if is_error and not match else Outcome("ok", 0)


def excess(lines: Iterable[LogLine], recorded: Mapping[str, Tokens], actions: Sequence[str]) -> Excess:
    """The usage of a resumed session includes what its first process had reported already.

    The lines name no agent: each reported usage is given to an agent so that every agent's sum is what MassGen recorded,
    and nothing is corrected unless there is exactly one such way.
    """
    used: list[Tokens] = []
    resumes: list[tuple[int, int]] = []
    threads: dict[str, int] = {}
    for line in lines:
        if line.chunk is not None or not line.message.startswith("Codex raw event: "):
            continue
        event = _event(line.message)
        if event.get("type") == "thread.started":
            thread = text(event.get("thread_id")) or ""
            if thread in threads:
                resumes.append((threads[thread], len(used)))
            threads[thread] = len(used)
        elif event.get("type") == "turn.completed":
            usage = mapping(event.get("usage"))
            # MassGen records no reasoning tokens of codex: 0 on both sides
            used.append(
                (_int(usage, "input_tokens"), _int(usage, "output_tokens"), 0, _int(usage, "cached_input_tokens"))
            )
    owners = _owners(used, recorded) if resumes else None
    found: dict[str, list[Tokens]] = {}
    unresolved = 0
    for start, at in resumes:
        pairs = [pair for agent in recorded if (pair := _again(used, owners, agent, start, at))] if owners else []
        if owners is None or len(pairs) > 1:
            unresolved += 1
        for agent, tokens in pairs if len(pairs) == 1 else ():
            found.setdefault(agent, []).append(tokens)
    return Excess(found, unresolved, "a resumed session reported its earlier usage again")


def _event(message: str) -> dict[str, object]:
    try:
        return mapping(parse_json(message.removeprefix("Codex raw event: ")))
    except ValueError:
        return {}


def _int(usage: dict[str, object], key: str) -> int:
    return integer(usage.get(key)) or 0


def _again(used: list[Tokens], owners: list[str], agent: str, start: int, at: int) -> tuple[str, Tokens] | None:
    """What `agent` reported between a session's start and its resume (a killed process reports nothing), if its next
    usage can include it."""
    before = [tokens for tokens, owner in zip(used[start:at], owners[start:at], strict=True) if owner == agent]
    after = [tokens for tokens, owner in zip(used[at:], owners[at:], strict=True) if owner == agent]
    fits = before and after and all(new >= old for new, old in zip(after[0], before[-1], strict=True))
    return (agent, before[-1]) if fits else None


def _owners(used: list[Tokens], recorded: Mapping[str, Tokens]) -> list[str] | None:
    """The only way to give each usage to an agent so that the sums are the recorded ones; None if there is not one."""
    ways: list[list[str]] = []
    steps = 0

    def give(index: int, left: dict[str, Tokens], way: list[str]) -> None:
        nonlocal steps
        steps += 1
        if len(ways) > 1 or steps > 200_000:
            return
        if index == len(used):
            if all(not any(tokens) for tokens in left.values()):
                ways.append(way)
            return
        for agent, tokens in left.items():
            rest = tuple(a - b for a, b in zip(tokens, used[index], strict=True))
            if min(rest) >= 0:
                give(index + 1, {**left, agent: (rest[0], rest[1], rest[2], rest[3])}, [*way, agent])

    give(0, dict(recorded), [])
    return ways[0] if len(ways) == 1 and steps <= 200_000 else None


def result_in_log(message: str) -> tuple[str, str, Outcome, int] | None:
    """The end of a command in the client's own event, which massgen.log keeps."""
    item = mapping(_event(message).get("item")) if message.startswith("Codex raw event: ") else {}
    code, wrapped = integer(item.get("exit_code")), text(item.get("command"))
    if item.get("type") != "command_execution" or code is None or wrapped is None:
        return None
    output = text(item.get("aggregated_output")) or ""
    error = output.strip().split("\n", 1)[0][:200] if code else None
    return "codex_shell", wrapped, Outcome("failed" if code else "ok", code, error=error), len(output)


DIALECT = Dialect(
    "codex",
    command,
    outcome,
    refusals_recorded=False,
    injections_resume=True,
    priced=False,
    edits_twice=frozenset({"codex_file_edit"}),
    result_in_log=result_in_log,
    excess=excess,
    caveats=(
        "codex: calls refused by Codex's own policy leave no trace; no cost is recorded; reasoning tokens are always "
        "recorded as 0; MassGen's metrics hold no tool calls",
    ),
)
