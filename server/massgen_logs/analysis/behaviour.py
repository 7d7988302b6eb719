"""How an agent worked: its tools in order, what it did after failures, what it ran before it decided, its own words.

Pure: a Run and the agent's trace items. It gathers what a reader needs to judge and judges nothing. Marks of a step:
"failed" (a non-zero exit, or an error behind exit code 0), "refused" (denied), "never ran" (no such tool, or its server was not connected), "open" (no recorded end).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from massgen_logs.run.events import AGENT_ERROR, IGNORED
from massgen_logs.run.model import ANY_AGENT, Call, Run
from massgen_logs.run.trace import Item

QUOTE = 220
"""Characters of a quote at most."""
_SPARE = 40
"""Characters over that for which no cut is made."""
_NEAR = 3
"""Pieces of text before a decision among which its quote is looked for."""
_CHECK = re.compile(
    r"(?i)(?<![\w-])(?:\w*tests?|pytest|check\w*|verif\w+|validat\w+|lint|mypy|tsc|diff|cmp|assert\w*)\b"
)
_CD = re.compile(r"^cd \S+ ?(?:&&|;) ?")
_JSON = re.compile(r"```json\n.*?(?:```|\Z)", re.S)
_DISPLAY = re.compile(r"^\W*(?:MCP: |Voting for \[|Providing answer|Using mcp__|=== \w+ OUTPUT LOG).*", re.M)
_RETRY = re.compile(r"❌ Retry \(\d+/\d+\): ")
_GLUED = re.compile(
    r"❌ Error: .*|⏳ Fairness gate: (?:.*?Restarting with latest context\.|.*)|📋 Using stored answer as final presentation:(?s:.*)"
    r"|⚠️ Unknown tool: (\S+) \(not registered\)\s*🔧 used \1 tool \(not implemented\)"
)
_CUT = "[words of MassGen's form cut]"
_CUTS = re.compile(rf"{re.escape(_CUT)}(?:\s*{re.escape(_CUT)})+")
_INJECTED = re.compile(r"\[INJECTION\]|Final Temp Working directory:")
_BAD = ("failed", "refused", "never ran")
_PATH_KEYS = ("file_path", "path", "filename", "notebook_path")


class Step(Struct, frozen=True):
    """Equal calls in a row, an answer or a vote. word: the first words of a command, else tool and file."""

    kind: str
    word: str
    mark: str
    count: int = 1


class Reaction(Struct):
    """What followed the failures of one kind of call; mark: failed, refused or never ran. in_a_row: the longest streak without another call between.

    then: what the agent did next, to how often: "again" (the same kind of call), else the next call, answer or vote, or
    "nothing". recovered: the same kind of call succeeded later. where: of the first failure.
    """

    what: str
    mark: str
    failures: int = 0
    in_a_row: int = 0
    then: dict[str, int] = field(default_factory=dict[str, int])
    recovered: bool = False
    where: str = ""


class Decision(Struct, frozen=True):
    """An answer or a vote, and what the agent had run since its decision before. t: seconds from the start.

    calls: None where they are not recorded with their agent; checks, last and last_mark then tell nothing. checks: calls that look like a check by their words (test, check, verify, lint, diff ...), failed_checks of them failed;
    last: its last call, None if it made none; last_mark: as a step's.
    """

    what: str
    t: float | None
    calls: int | None
    checks: int
    failed_checks: int
    last: str | None
    last_mark: str


class Quote(Struct, frozen=True):
    """The agent's own words next to a decision; when: what they stand beside."""

    when: str
    kind: str
    text: str
    round: int | None
    where: str


class Behaviour(Struct, frozen=True):
    """One agent. calls, failed, refused: None where this version records no calls, or names no agent with them.

    checks: calls that look like one, see Decision. reasoning: pieces of it in its trace.
    """

    agent: str
    calls: int | None
    failed: int | None
    refused: int | None
    checks: int
    reasoning: int
    steps: list[Step]
    reactions: list[Reaction]
    decisions: list[Decision]
    quotes: list[Quote]


def behaviour(run: Run, agent: str, items: Iterable[Item], mask: Callable[[str], str] = str) -> Behaviour:
    """One agent's behaviour.

    Args:
        run: the run.
        agent: its id; "*" where the version names none.
        items: its trace in order; without one, its calls and decisions are taken from the run, by time.
        mask: applied to every text before it is cut, so that no cut can halve a secret.
    """
    trace = list(items)
    acts = [item for item in trace if item.kind in {"call", "answer", "vote"}] or _acts(run, agent)
    own = [call for call in run.calls if call.agent == agent]
    known = run.calls_recorded and (bool(own) or not any(call.agent == ANY_AGENT for call in run.calls))
    return Behaviour(
        agent,
        len(own) if known else None,
        sum(_mark(call) == "failed" for call in own) if known else None,
        sum(_mark(call) == "refused" for call in own) if known and run.denied_recorded else None,
        sum(_is_check(call) for call in own),
        sum(item.kind == "reasoning" for item in trace),
        _steps(run, agent, acts, mask),
        _reactions(run, agent, acts, mask),
        _decisions(run, agent, acts, mask, known),
        _quotes(run, agent, trace, mask),
    )


def _acts(run: Run, agent: str) -> list[Item]:
    found = [Item("call", c.t, c.round, "", c.src, c.tool, call=c) for c in run.calls if c.agent == agent]
    found += [Item("answer", a.t, a.round, f"{a.label}: ", a.src) for a in run.answers if a.agent == agent]
    found += [Item("vote", v.t, v.round, f"for {v.voted_for}: ", v.src) for v in run.votes if v.voter == agent]
    return sorted(found, key=lambda item: (item.t is None, item.t or 0.0))


def _mark(call: Call | None) -> str:
    if call is None or (call.outcome in {"ok", "unknown"} and call.hidden is None):
        return ""
    return {"denied": "refused", "not_run": "never ran", "open": "open"}.get(call.outcome, "failed")


def _is_check(call: Call | None) -> bool:
    return call is not None and call.ran and _CHECK.search(call.command or "") is not None


def _word(item: Item, mask: Callable[[str], str]) -> str:
    """What a step is called: the first two words of a command, or a tool and the file it was given."""
    call = item.call
    if call is not None and call.command is not None:
        return _command(mask(call.command))
    base = (item.tool or "?").rsplit("__", 1)[-1]
    paths = [value for key in _PATH_KEYS if call is not None and isinstance(value := call.args.get(key), str)]
    return f"{base} {mask(paths[0]).rstrip('/').rsplit('/', 1)[-1]}" if paths else base


def _command(command: str) -> str:
    """The first two words, changes of folder left out; of a chain, those of its first two commands, with what stands between them."""
    parts = [command] if re.search(r"[\"'`]|<<", command) else re.split(r"(&&|;|\n)", command)
    heads: list[tuple[str, str]] = []
    for before, part in zip(["", *parts[1::2]], parts[::2], strict=True):
        if words := _CD.sub("", part.strip()).split():
            heads.append((" && " if before == "&&" else "; ", " ".join(words[:2]).rstrip(" ;&|")))
    heads = [head for head in heads if not head[1].startswith("cd ")] or heads
    shown = [*heads[:2], *((before, "...") for before, _ in heads[2:3])]
    return "".join(before * (n > 0) + head for n, (before, head) in enumerate(shown)) or "(empty command)"


def _decided(run: Run, agent: str, item: Item) -> str:
    """An answer by its label, a vote by whom it is for and what became of it."""
    if item.kind == "answer":
        label = item.text.partition(":")[0]
        return f"answer {'?' if label == 'None' else label}"
    target = re.match(r"for (\S+?)(?: \(ignored\))?:", item.text)
    votes = [v for v in run.votes if v.voter == agent and (v.src == item.src or (v.t is not None and v.t == item.t))]
    ignored = (votes and votes[0].ignored) or "(ignored): " in item.text[:80]
    refused = votes and votes[0].refused
    return f"vote for {target[1] if target else '?'}" + (" (ignored)" if ignored else " (refused)" if refused else "")


def _steps(run: Run, agent: str, acts: list[Item], mask: Callable[[str], str]) -> list[Step]:
    found: list[Step] = []
    for item in acts:
        if item.kind == "call":
            step = Step("call", _word(item, mask), _mark(item.call))
        else:
            step = Step(item.kind, _decided(run, agent, item), "")
        last = found[-1] if found else None
        if last is not None and (last.kind, last.word, last.mark) == (step.kind, step.word, step.mark):
            found[-1] = replace(last, count=last.count + 1)
        else:
            found.append(step)
    return found


def _reactions(run: Run, agent: str, acts: list[Item], mask: Callable[[str], str]) -> list[Reaction]:
    """By kind of call, the most failures first."""
    found: dict[tuple[str, str], Reaction] = {}
    streak = 0
    before: tuple[str, str] | None = None
    for index, item in enumerate(acts):
        if item.kind != "call":
            streak, before = 0, None
            continue
        word, mark = _word(item, mask), _mark(item.call)
        if mark not in _BAD:
            for failed in _BAD:
                if (word, failed) in found:
                    found[word, failed].recovered = True
            streak, before = 0, None
            continue
        streak = streak + 1 if (word, mark) == before else 1
        before = (word, mark)
        row = found.setdefault(before, Reaction(word, mark, where=item.src))
        row.failures += 1
        row.in_a_row = max(row.in_a_row, streak)
        after = acts[index + 1] if index + 1 < len(acts) else None
        if after is None:
            then = "nothing"
        elif after.kind == "call":
            then = "again" if _word(after, mask) == word else _word(after, mask)
        else:
            then = _decided(run, agent, after)
        row.then[then] = row.then.get(then, 0) + 1
    return sorted(found.values(), key=lambda row: -row.failures)


def _decisions(
    run: Run, agent: str, acts: list[Item], mask: Callable[[str], str], known: bool,
) -> list[Decision]:  # fmt: skip
    found: list[Decision] = []
    calls: list[Item] = []
    for item in acts:
        if item.kind == "call":
            calls.append(item)
            continue
        checks = [c for c in calls if _is_check(c.call)]
        last = calls[-1] if calls else None
        found.append(Decision(
            _decided(run, agent, item), run.since_start(item.t), len(calls) if known else None, len(checks),
            sum(_mark(c.call) == "failed" for c in checks), _word(last, mask) if last else None,
            _mark(last.call) if last else "",
        ))  # fmt: skip
        calls = []
    return found


def _quotes(run: Run, agent: str, trace: list[Item], mask: Callable[[str], str]) -> list[Quote]:
    """Words before the first call, right after the first failure that has any, before each decision, and the last ones
    where no decision came; each piece once.

    A version that names no agent mixes its display into everybody's words: none can be quoted.
    """
    if agent == ANY_AGENT or any(item.kind == "text" and item.src.startswith("massgen") for item in trace):
        return []
    told = [event.error for event in (run.enforcement or {}).get(agent, ()) if event.error]
    own = [_said(item.text, told) if item.kind in {"reasoning", "text"} else "" for item in trace]
    chosen: dict[int, str] = {}
    said: list[int] = []  # pieces of text since the last decision
    failed: str | None = None  # the last failed call, if at most one other came after it
    since = 0
    told_failure = started = False
    for index, item in enumerate(trace):
        if item.kind in {"reasoning", "text"}:
            if not own[index]:
                continue
            said.append(index)
            if failed is not None and not told_failure:
                chosen.setdefault(index, f"after {failed} failed")
                told_failure = True
        elif item.kind == "call":
            if not started and said:
                chosen.setdefault(_best(trace, own, said), "at the start")
            started = True
            since += 1
            if _mark(item.call) in _BAD:
                failed, since = _word(item, mask), 0
            elif since > 1:
                failed = None
        elif item.kind in {"answer", "vote"}:
            if said:
                chosen.setdefault(_best(trace, own, said), f"before {_decided(run, agent, item)}")
            started, said = True, []
    if said:
        chosen.setdefault(said[-1], "at the end")
    return [
        Quote(
            when, trace[i].kind, _short(mask(own[i]), end=when.startswith("before")), trace[i].round, trace[i].src,
        )
        for i, when in sorted(chosen.items())
    ]  # fmt: skip


def _best(trace: list[Item], own: list[str], said: list[int]) -> int:
    """Of the last pieces the last reasoning, else the longest."""
    near = said[-_NEAR:]
    reasoning = [i for i in near if trace[i].kind == "reasoning"]
    return reasoning[-1] if reasoning else max(near, key=lambda i: (len(own[i].replace(_CUT, "")), i))


def _said(text: str, told: list[str]) -> str:
    """The agent's words in a piece of text, without MassGen's own and the tool call as JSON; "" where nothing else is there.

    MassGen's stand in one piece with the agent's, often in one line, and an agent may write the same: each cut is marked.
    told: why MassGen refused responses of the agent, which is where its words end that the agent's follow at once.
    """
    if _INJECTED.search(text):
        return ""
    text = _JSON.sub("", text)
    for pattern in (IGNORED, AGENT_ERROR, _GLUED, _DISPLAY):
        text = pattern.sub(_CUT, text)
    parts = _RETRY.split(text)
    for n, part in enumerate(parts[1:], 1):
        why = max((one for one in told if part.startswith(one)), key=len, default=part.split("\n", 1)[0])
        parts[n] = _CUT + part[len(why) :]
    words = _CUTS.sub(_CUT, " ".join("".join(parts).replace(_CUT, f" {_CUT} ").split()))
    return "" if words == _CUT else words


def _short(text: str, *, end: bool) -> str:
    """The beginning of a long piece; before a decision, its end."""
    if len(text) <= QUOTE + _SPARE:
        return text
    return (
        f"[{len(text) - QUOTE} characters before] …{text[-QUOTE:]}"
        if end
        else f"{text[:QUOTE]}… [+{len(text) - QUOTE} characters]"
    )
