"""`codex`: the shell is codex_shell, its command wrapped in `/bin/bash -lc '...'`; ` (exit N)` ends a failure's first line.

A call that Codex's own policy refuses leaves nothing in MassGen's files. Call ids restart with every process. A patch
is recorded twice. No cost is recorded (0.0), and usage after a resume is cumulative and added again.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from massgen_logs.readers.base import integer, mapping, parse_json, text
from massgen_logs.readers.massgen_log import LogLine
from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import (
    Dialect,
    DroppedVote,
    Excess,
    Outcome,
    Spender,
    Tokens,
    first_line,
    spenders_of,
)

_EXIT = re.compile(r" \(exit (-?\d+)\)(?:\n|$)")
_DOUBLE_QUOTED = re.compile(r'\S*sh -l?c "((?:[^"\\]|\\.)*)"', re.S)
_ESCAPED = re.compile(r'\\([$`"\\])')
_QUOTE_EATEN = re.compile(r"""\S*sh -l?c ['"](.*\[REDACTED\].*)""", re.S)
_RAW = "Codex raw event: "
_STARTS = ("Running Codex command: ", "Running Codex in Docker: ")
_COMMAND = re.compile(r"[^\n]{0,400}? exec (?:resume (\S+)|--json)")
_MODEL = re.compile(r" --model (\S+)")
_WORKSPACE = re.compile(r"\[FilesystemManager\.main_workspace\] agent_id=([^,\s]+), .*? - Workspace: (.+)")
_NAMED = re.compile(
    r"\[Orchestrator(?:\] Agent (\S+) (?:voting from options|workflow enforcement attempt [^1\s])"
    r"|\._save_agent_snapshot\] Called for agent_id=([^,\s]+),)",
)
_DROPS = "Codex: ignoring additional workflow MCP completion"
_VOTE = re.compile(r'"type": "mcp_tool_call", .{0,80}"tool": "vote", "arguments": (?=\{)')
_TARGET = re.compile(r'"agent_id": "([^"]*)"')


def command(tool: str, args: Mapping[str, object]) -> str | None:
    """The command without the client's wrapper: the last word of `/bin/bash -lc '...'` after shell unquoting."""
    if tool != "codex_shell":
        return command_line.command(tool, args)
    wrapped = text(args.get("command"))
    return None if wrapped is None else unwrap(wrapped)


def unwrap(wrapped: str) -> str:
    """The script of a `SHELL -lc SCRIPT` line; anything else unchanged.

    Inside double quotes the shell takes a backslash away before `$` and a backtick too, which shlex does not. Where MassGen's
    redaction ate the closing quote, what is left of the script stands without one.
    """
    if match := _DOUBLE_QUOTED.fullmatch(wrapped):
        return _ESCAPED.sub(r"\1", match[1])
    try:
        words = shlex.split(wrapped)
    except ValueError:
        cut = _QUOTE_EATEN.fullmatch(wrapped)
        return cut[1] if cut else wrapped
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
        return Outcome("failed", int(match[1]), error=first_line(after) or f"exit {match[1]}")
    return Outcome("unknown", error=first_line(result)) if is_error and not match else Outcome("ok", 0)


def excess(lines: Iterable[LogLine], spenders: Mapping[str, Spender]) -> Excess:
    """The usage of a resumed session includes what its earlier process had reported already (a killed one reports nothing).

    Only the resumed session's own agent is corrected; where it can't be told which agent that is, or which usage is its,
    nothing is.
    """
    log = _read(lines, spenders)
    if not log.resumes:
        return Excess({}, [], 0, _WHAT)
    owners = _owners(log.used, {agent: one.tokens for agent, one in spenders.items()})
    found: dict[str, list[Tokens]] = {}
    unknown = 0
    for thread, at in log.resumes:
        again = {
            agent: tokens
            for agent in thread.agents
            if owners and (tokens := _again(log.used, owners, agent, thread.start, at))
        }
        if owners is None or len(again) > 1:
            unknown += 1
        elif again:
            agent, tokens = again.popitem()
            found.setdefault(agent, []).append(tokens)
    return Excess(found, [], unknown, _WHAT)


_WHAT = "the earlier usage of a resumed session"


def dropped(lines: Iterable[LogLine], spenders: Mapping[str, Spender]) -> list[DroppedVote]:
    """Votes after the first workflow call of an execution, which MassGen never sees."""
    return [
        DroppedVote(next(iter(agents)) if len(agents) == 1 else None, text(args.get("agent_id")), text(args.get("reason")),
                    seconds, src)
        for agents, args, seconds, src in _read(lines, spenders).dropped
    ]  # fmt: skip


class _Used(Struct):
    """A reported usage. agents: whose it may be; named: the same by what the orchestrator did next, too."""

    agents: set[str]
    named: set[str]
    tokens: Tokens


class _Thread(Struct, frozen=True):
    """A session. agents: whose it may be; start: how many usages were reported before it began."""

    agents: set[str]
    start: int


class _Log(Struct):
    """What massgen.log says of the codex processes."""

    used: list[_Used] = field(default_factory=list[_Used])
    resumes: list[tuple[_Thread, int]] = field(default_factory=list[tuple[_Thread, int]])
    """(session, how many usages were reported before it was resumed)"""
    dropped: list[tuple[set[str], dict[str, object], float, str]] = field(
        default_factory=list[tuple[set[str], dict[str, object], float, str]],
    )
    """(agents, the vote's arguments, time of day, src)"""


def _read(lines: Iterable[LogLine], spenders: Mapping[str, Spender]) -> _Log:
    """An agent is named by its workspace or model in the command that starts a session, by that session when it is
    resumed, by being the only one whose process runs, and by what the orchestrator does with it next."""
    log = _Log()
    agents = set(spenders_of("codex", spenders))
    workspaces: dict[str, str] = {}
    threads: dict[str, _Thread] = {}
    starting: list[set[str]] = []
    begun = 0
    running: set[str] = set()
    named: dict[str, int] = {}  # how many usages were reported when the orchestrator last named an agent
    vote: tuple[dict[str, object], str] | None = None
    for line in lines:
        if line.chunk is not None:
            continue
        message = line.message
        if match := _WORKSPACE.match(message):
            workspaces[match[2].strip()] = match[1]
        elif message.startswith(_STARTS):
            message = message.replace("', '", " ")  # in Docker the command is told as a list
            match = _COMMAND.match(message)
            if match and match[1] is not None:
                running |= threads[match[1]].agents if match[1] in threads else agents
            else:
                starting.append(_started(message, agents, workspaces, spenders))
                running |= starting[-1]
        elif message.startswith(_DROPS) and vote is not None:
            log.dropped.append((running & agents or agents, vote[0], line.seconds, vote[1]))
        elif match := _NAMED.match(message):
            agent = match[1] or match[2]
            own = [one for one in log.used[named.get(agent, 0) :] if agent in one.named]
            if len(own) == 1:
                own[0].named = {agent}
                running.discard(agent)
            named[agent] = len(log.used)
        elif message.startswith(_RAW):
            event = _event(message)
            if event.get("type") == "thread.started":
                thread = text(event.get("thread_id")) or ""
                if thread in threads:
                    log.resumes.append((threads[thread], len(log.used)))
                else:
                    # sessions that begin at the same time report in any order
                    threads[thread] = _Thread(set[str]().union(*starting) or agents, len(log.used))
                    begun += 1
                if begun >= len(starting):
                    starting, begun = [], 0
            elif event.get("type") == "turn.completed":
                usage = mapping(event.get("usage"))
                # MassGen records no reasoning tokens of codex: 0 on both sides
                tokens = (
                    _int(usage, "input_tokens"),
                    _int(usage, "output_tokens"),
                    0,
                    _int(usage, "cached_input_tokens"),
                )
                who = running & agents or agents
                log.used.append(_Used(who, who, tokens))
                running -= who if len(who) == 1 else set[str]()
            args = _vote(message)
            vote = None if args is None else (args, line.src)
    return log


def _started(
    message: str, agents: set[str], workspaces: Mapping[str, str], spenders: Mapping[str, Spender],
) -> set[str]:  # fmt: skip
    """The agents that this command may start a session for."""
    by_place = {agent for place, agent in workspaces.items() if f" -C {place} " in message} & agents
    if by_place:
        return by_place
    model = _MODEL.search(message)
    return {agent for agent in agents if model and spenders[agent].model == model[1]} or set(agents)


def _event(message: str) -> dict[str, object]:
    try:
        return mapping(parse_json(message.removeprefix(_RAW)))
    except ValueError:
        return {}


def _vote(message: str) -> dict[str, object] | None:
    """The arguments of a vote; MassGen cuts its line after 500 characters, often behind them."""
    match = _VOTE.search(message)
    if match is None:
        return None
    try:
        return mapping(json.JSONDecoder().raw_decode(message, match.end())[0])
    except ValueError:
        target = _TARGET.search(message, match.end())
        return {"agent_id": target[1] if target else None}


def _int(usage: dict[str, object], key: str) -> int:
    return integer(usage.get(key)) or 0


def _again(used: list[_Used], owners: list[str], agent: str, start: int, at: int) -> Tokens | None:
    """What `agent` last reported between a session's start and its resume, if its next usage can include it."""
    own = [(i, one.tokens) for i, (one, owner) in enumerate(zip(used, owners, strict=True)) if owner == agent]
    before = [tokens for i, tokens in own if start <= i < at]
    after = [tokens for i, tokens in own if i >= at]
    fits = before and after and all(new >= old for new, old in zip(after[0], before[-1], strict=True))
    return before[-1] if fits else None


def _owners(used: list[_Used], recorded: Mapping[str, Tokens]) -> list[str] | None:
    """Whose each usage is: the only way in which the sums are what MassGen recorded, with the orchestrator's lines where
    there are several; these alone where there is none (the recorded figures hold more); None where that leaves doubts."""
    ways = _ways(used, [one.agents for one in used], recorded)
    if len(ways) > 1:
        ways = _ways(used, [one.named for one in used], recorded)
    if ways:
        return ways[0] if len(ways) == 1 else None
    return [next(iter(one.named)) for one in used] if all(len(one.named) == 1 for one in used) else None


def _ways(used: list[_Used], whose: list[set[str]], recorded: Mapping[str, Tokens]) -> list[list[str]]:
    """Two at most of the ways to give each usage to one of its agents so that the sums are the recorded ones."""
    ways: list[list[str]] = []
    steps = 0

    def give(index: int, left: dict[str, Tokens], way: list[str]) -> None:
        nonlocal steps
        steps += 1
        if len(ways) > 1 or steps > 200_000:
            return
        if index == len(used):
            if all(not any(left[agent]) for agent in set[str]().union(*whose)):
                ways.append(way)
            return
        for agent in sorted(whose[index]):
            rest = tuple(a - b for a, b in zip(left[agent], used[index].tokens, strict=True))
            if min(rest) >= 0:
                give(index + 1, {**left, agent: (rest[0], rest[1], rest[2], rest[3])}, [*way, agent])

    give(0, dict(recorded), [])
    return ways if steps <= 200_000 else []


def result_in_log(message: str) -> tuple[str, str, Outcome, int] | None:
    """The end of a command in the client's own event, which massgen.log keeps."""
    item = mapping(_event(message).get("item")) if message.startswith("Codex raw event: ") else {}
    code, wrapped = integer(item.get("exit_code")), text(item.get("command"))
    if item.get("type") != "command_execution" or code is None or wrapped is None:
        return None
    output = text(item.get("aggregated_output")) or ""
    error = first_line(output.strip()) if code else None
    return "codex_shell", wrapped, Outcome("failed" if code else "ok", code, error=error), len(output)


DIALECT = Dialect(
    "codex",
    command,
    outcome,
    refusals_recorded=False,
    injections_resume=True,
    priced=False,
    ids_restart=True,
    edits_twice=frozenset({"codex_file_edit"}),
    result_in_log=result_in_log,
    excess=excess,
    dropped=dropped,
    caveats=(
        "codex: calls refused by Codex's own policy leave no trace; no cost is recorded; reasoning tokens are always "
        "recorded as 0; MassGen's metrics hold no tool calls",
    ),
)
