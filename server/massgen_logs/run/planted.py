"""Text inside a run that gives orders to whoever reads it: an agent of the run, or the agent that reads the log.

What a tool brought in, and what an agent wrote in answers, votes and text, is looked at; the user's question and MassGen's
own prompts are not. A pattern shows that such words stand there, never that they were meant or heeded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from msgspec import Struct, field

from massgen_logs.quick import looker, valid
from massgen_logs.run.model import Planted, Run

MOST = 200
"""Places kept of a run; the rest is counted."""
_COUNTED = 10_000
"""Different places that are counted: a log that is made of orders fills no memory."""
_AROUND = 400
_PIECE, _OVER = 1_000_000, 2000
"""Characters of a long text that are looked at together, so that it is never copied whole; and by which the pieces overlap."""
_READER = r"(?:ai|a\.i\.|llm|language model|chatbot|coding agent|ai agent|ai assistant|assistant|agent|claude|gpt|gemini|analy[sz]er|reviewer|reader)s?"
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("override", r"(?i)\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|other|your|system|all)\b"
        r"[^.\n]{0,30}\b(?:instructions?|prompts?|rules|guidelines|directives|context|messages)\b"),
    ("override", r"(?i)\bnew (?:system )?(?:instructions?|directives?|orders)(?: for you)?\s*:|忽略(?:之前|以上|先前|所有)[^。\n]{0,20}(?:指令|指示|提示|规则)"),
    ("marker", r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id)\|>|\[/?INST\]|<</?SYS>>"
        r"|</?(?:system|system-reminder|system_prompt|developer|human|user_query)>|(?m:^\s*(?:#{1,6} *)?(?:SYSTEM|DEVELOPER|ADMIN)(?: PROMPT| MESSAGE| OVERRIDE| NOTICE)\s*:)"
        r"|\n\n(?:Human|Assistant): "),
    ("tool-call", r"</?(?:antml:)?(?:function_calls|invoke|parameter|tool_use|tool_call|function_results)\b[^>\n]{0,80}>|\"type\"\s*:\s*\"tool_use\""),
    ("reader", rf"(?i)\b(?:if|when|since|as) you(?:'re| are)?(?: an?| the)? {_READER}\b|\b{_READER},? (?:that is |who is |who are |which is )?(?:reading|analy[sz]ing|processing|summari[sz]ing|parsing) (?:this|these|the log)"
        rf"|\b(?:note|message|notice|attention|instructions?|important)\s*(?:to|for|:)\s*(?:any |all |the |every )?{_READER}\b\s*[:,!-]"),
    ("conceal", r"(?i)\b(?:do not|don't|never)\s+(?:tell|mention|inform|reveal|report|show|disclose)\b[^.\n]{0,40}\b(?:the user|users?|humans?|anyone|operator)\b"),
    ("command", r"(?i)\b(?:you (?:must|should|need to|have to)|please|now|immediately|first)\b[^.\n]{0,30}\b(?:run|execute|eval|paste|type)\b[^.\n]{0,20}\b(?:the following|this|these)\b[^.\n]{0,30}\b(?:commands?|code|scripts?|shell)\b"),
    ("vote", r"(?i)\b(?:you (?:must|should|have to)|please|everyone|all agents|other agents)\b[^.\n]{0,40}\bvote for (?:me|my|this|agent)"),
)  # fmt: skip
_SPACE = r"(?:[\s\x1c-\x1f]|\\n)"
_STEMS = (
    r"(?i)(?:ignore|disregard|forget|override|bypass)[^.\n]{0,60}(?:previous|prior|above|earlier|preceding|other|your|system|all)"
        r"[^.\n]{0,60}(?:instruction|prompt|rules|guidelines|directives|context|messages)",
    rf"(?i)new (?:system )?(?:instruction|directive|orders)|(?:do not|don't|never){_SPACE}+(?:tell|mention|inform|reveal|report|show|disclose)|vote for (?:me|my|this|agent)",
    r"(?:Human|Assistant): |\[/?INST\]|忽略|</?(?:\||<|system|developer|human|user_query|(?:antml:)?(?:function_|invoke|parameter|tool_))"
        r"|tool_use|(?:SYSTEM|DEVELOPER|ADMIN) (?:PROMPT|MESSAGE|OVERRIDE|NOTICE)",
    rf"(?i)(?:if|when|since|as) you(?:'re| are)?(?: an?| the)? {_READER}|ing (?:this|these|the log)",
    rf"(?i)(?:note|message|notice|attention|instruction|important)s?{_SPACE}*(?:to|for|:){_SPACE}*(?:any |all |the |every )?{_READER}",
    r"(?i)(?:you (?:must|should|need to|have to)|please|now|immediately|first)[^.\n]{0,60}(?:run|execute|eval|paste|type)[^.\n]{0,40}(?:the following|this|these)",
)  # fmt: skip
"""What each text that a pattern matches holds somewhere, also while its line ends and quotes are still escaped (one place of a
text is then two). Each begins with few words, by which it is found twenty times faster than all patterns at once."""
_OWN = re.compile(
    r"<system-reminder>\nWhenever you read a file, you should consider whether .*?</system-reminder>", re.S
)
"""What Claude Code itself adds to every file that it reads."""
_ASKED = re.compile(
    r"`([^`\n]{4,200})`|(?i:\b(?:run|execute|eval|type|paste)\b(?:\s*+(?:the following|this|these))?(?:\s*+(?:commands?|code|scripts?))?\s*+:?\s*+)((?:curl|wget|rm|bash|sh|python3?|node|npm|npx|pip|cat|git|chmod|sudo|nc|ssh|scp|env|printenv|echo)\b[^\n`\"']{2,200})"
    r"|(https?://[^\s\"'<>)\]`]{4,200})|(?i:vote for (agent\S*|me|my answer))"
)


class Places(Struct):
    """Those found so far: the first MOST, the same words of one agent once."""

    looking: bool = True
    """False where nobody asks for orders: looking for them costs a fifth of the time that a long log takes."""
    kept: list[Planted] = field(default_factory=list[Planted])
    seen: set[int] = field(default_factory=set[int])
    more_src: str = ""
    """The first one that is not kept."""

    def look(self, text: str, whose: str, agent: str | None, t: float | None, src: str) -> None:
        """Add those of a text; the arguments are those of `look`."""
        if not self.looking:
            return
        pieces = range(0, len(text) or 1, _PIECE)
        for one in (one for at in pieces for one in look(text[at : at + _PIECE + _OVER], whose, agent, t, src)):
            words = hash((one.kind, one.agent, " ".join(one.quote.split())[:120]))
            if words in self.seen or len(self.seen) > _COUNTED:
                continue
            self.seen.add(words)
            if len(self.kept) < MOST:
                self.kept.append(one)
            else:
                self.more_src = self.more_src or one.src


def collect(run: Run, found: Places) -> list[Planted] | None:
    """What results and text hold, then answers, vote reasons and the final answer; None if nobody asked."""
    if not found.looking:
        return None
    for answer in run.answers:
        found.look(answer.text or "", f"answer {answer.label or ''}".strip(), answer.agent, answer.t, answer.src)
    for vote in run.votes:
        found.look(vote.reason or "", "vote reason", vote.voter, vote.t, vote.src)
    found.look(run.final_text or "", "final answer", run.winner, run.ended, run.final_src)
    if len(found.seen) > MOST:
        number = f"over {_COUNTED}" if len(found.seen) > _COUNTED else str(len(found.seen))
        run.note("planted", f"{number} places give orders to their reader; {MOST} are told", found.more_src)
    return found.kept


@cache
def _stems() -> tuple[Callable[[str], bool], ...]:
    return tuple(map(looker, _STEMS))


@cache
def _quick(kind: str) -> Callable[[str], bool]:
    """Tells whether a text may hold orders of a kind. It finds all that `re` finds, and more, since no word need end there."""
    parts = [pattern for name, pattern in _PATTERNS if kind == name]
    loose = "|".join(f"(?:{part})" for part in parts).replace(r"\b", "").replace(r"\s", r"[\s\x1c-\x1f]")
    return looker(loose)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def look(text: str, whose: str, agent: str | None, t: float | None, src: str) -> Iterator[Planted]:
    """Each kind of order in a text once.

    Args:
        text: what was written.
        whose: what it is, such as "result of mcp__web__fetch".
        agent: who wrote it, or whose call brought it in.
        t: Unix seconds.
        src: where it can be looked up.
    """
    words = valid(text)
    for stem in _stems():
        if stem(words):
            break
    else:
        return
    if "\\" in text:  # a result is often JSON text, in which a line begins after a backslash and an n
        text = text.replace("\\n", "\n").replace('\\"', '"')
    text = _OWN.sub("", text)
    words = valid(text)
    seen: set[str] = set()
    for kind, pattern in _PATTERNS:
        if kind in seen or not _quick(kind)(words):
            continue
        for match in _compiled(pattern).finditer(text):
            seen.add(kind)
            start, end = max(0, match.start() - _AROUND), match.end() + _AROUND
            asked = [
                next(part for part in found.groups() if part).strip() for found in _ASKED.finditer(text[start:end])
            ]
            first = text.rfind("\n", 0, match.start()) + 1
            quote = text[max(first, match.start() - 60) : match.end() + 140].split("\n\n")[0]
            yield Planted(kind, whose, agent, t, quote, tuple(dict.fromkeys(asked)), src)
            break
