"""Finding sentences that call an agent's answer correct or incorrect. Only the user's ground truth allows that.

The process may be called correct (votes, coordination, exit codes), quoted text is somebody's words, and a sentence that
attributes ("claimed that"), asks ("check whether") or denies knowing ("unknown whether") claims nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from massgen_logs.report import claims_zh

_ADJECTIVE = r"(?:correct|right|incorrect|wrong|accurate|inaccurate|true|false|valid|invalid)"
_NOUN = r"(?:answers?|solutions?|conclusions?|presentations?)"
_LOOSE = r"(?:results?|numbers?|counts?|sums?|totals?|values?|figures?|outputs?|responses?|outcomes?)"
_BE = (
    r"(?:is|was|are|were|be|isn't|wasn't|aren't|weren't|proved|proves|turned\s+out|turns\s+out|seems?|appears?|looks?)"
)
_FILL = r",?(?:\s+(?!to\b)[\w.,()$€%+:/-]+){0,4}?"
_VERB = r"(?:identif|answer|solv|comput|calculat|count|conclud|determin|deduc|deriv|predict|f(?:ou|i)nd|guess|stat|sum|work|reason|add|list)\w*"
_EXCUSED = re.compile(
    r"\b(?:claim\w*|said|says?|stat(?:es?|ed|ing)|wrote|writes?|believ\w+|thinks?|thought|argu\w+|assert\w*|suggest\w*|according\s+to|reason\w*\s+that"
    r"|check\w*|verif(?:y|ies|ying)|ensur\w+|asks?|asked|confirm|decide\w*|judg\w+|tell|told|know\w*|unknown|unclear|assum\w+|whether|if|unless|"
    r"no\s+ground\s+truth|without\s+ground\s+truth|called?|label\w*\s+as)\b",
    re.I,
)
_QUOTES = re.compile(r"\[\[.*?\]\]|\"[^\"\n]*\"|“[^”\n]*”|`[^`\n]*`|«[^»\n]*»|‘[^’\n]*’|「[^」\n]*」|『[^』\n]*』")
_WHOLE = re.compile(
    rf"(?:\W*(?:answer|result|solution)s?\W+)?(?:{_ADJECTIVE}|correctly\s+\w+)(?:\s+(?:answer|result|solution))?\W*",
    re.I,
)
_EXCLAIMED = re.compile(r"(?:correct|wrong|right|incorrect)!", re.I)


def claims(content: str, agents: Iterable[str] = ()) -> list[str]:
    """Each claim with its line and words; `agents` are the ids that may be the subject of one."""
    agents = list(agents)
    patterns, chinese = _patterns(agents), claims_zh.finder(agents)
    found: list[str] = []
    for line, text in _passages(content):
        for cell in text.split("|") if text.lstrip().startswith("|") else [text]:
            whole = cell.strip().removeprefix("- [x]").removeprefix("- [ ]").removeprefix("- [X]").strip()
            if whole and len(whole) < 60 and (_WHOLE.fullmatch(whole) or claims_zh.WHOLE.fullmatch(whole)):
                found.append(_say(line, whole))
                continue
            for sentence in re.split(r"(?<=[.!?;])\s+|(?<=[。！？；])", _QUOTES.sub(" ", cell)):
                hit = next((m for pattern in patterns if (m := pattern.search(sentence))), None)
                if hit and not _EXCUSED.search(sentence[: hit.end()]):
                    found.append(_say(line, hit[0].strip()))
                elif words := chinese.search(sentence):
                    found.append(_say(line, words))
    return found


def _say(line: int, words: str) -> str:
    return f'line {line}: "{words[:80]}" claims correctness, and no ground truth was given; say claimed, produced, submitted or arrived at'


def _patterns(agents: Iterable[str]) -> list[re.Pattern[str]]:
    ids = "|".join(re.escape(agent) for agent in agents)
    who = rf"(?:agents?|they|both|winner|voter|agent_?\w+|agent\d[\w.]*{'|' + ids if ids else ''})"
    subject = rf"(?:{_NOUN}|{who})"
    adverb = r"(?:\s+(?:not|indeed|clearly|factually|completely|mathematically|fully|100%|also|all|both|therefore|thus|demonstrably|undoubtedly|certainly))*"
    be = rf"{_BE}(?:\s+to\s+be)?{adverb}"
    given = rf"(?:{_ADJECTIVE})(?:\s+and\s+\w+)?\s+(?:final\s+)?"
    return [
        re.compile(pattern, re.I)
        for pattern in (
            rf"\b{subject}(?:'s)?{_FILL}\s+{be}\s+{_ADJECTIVE}\b(?!\s+(?:to|for|label|id|agent|turn|attempt)\b)",
            rf"\b{_LOOSE}\s+(?:of\s+)?{who}\b{_FILL}\s+{be}\s+{_ADJECTIVE}\b(?!\s+to\b)",
            rf"\b(?:the|a|an|this|that|its|their|final|winning|whose|one|only)\s+{given}{_NOUN}\b(?!\s+(?:label|id|folder|file|format))",
            rf"\b{subject}\b[^.;|]{{0,60}}?\b(?:the|a|an|its|their)\s+{given}{_LOOSE}\b",
            rf"\bcorrect\s+{_NOUN}\b(?!\s+(?:label|id|format))",
            rf"\b{subject}\b[^.;|]{{0,60}}?\b(?:in)?correctly\s+{_VERB}",
            rf"\b{subject}\b[^.;|]{{0,60}}?\b{_VERB}[^.;|]{{0,40}}?\b(?:in)?correctly\b",
            rf"^\W*(?:the\s+)?(?:task|question|problem|sum|bug)\b[^.;|]{{0,40}}?\b{_VERB}[^.;|]{{0,20}}?\b(?:in)?correctly\b",
            rf"\b(?:got|gets?)\s+(?:it|this|that|the\s+\w+)\s+{_ADJECTIVE}\b",
            r"\b(?:match\w*|equal\w*|agree\w*\s+with)\s+the\s+(?:true|actual|known|real|expected|correct)\s+\w+",
            rf"\b(?:is|was|are)\s+indeed\s+(?:the\s+)?(?:\w+\s+)?(?:{_NOUN}|{_LOOSE})\b",
            r"\b(?:nailed|aced)\s+(?:it|the\b)",
            rf"\b(?:verified|confirmed|proven|proved|marked|graded)\s+(?:as|to\s+be)\s+{_ADJECTIVE}\b",
            rf"\b{_NOUN}\s+(?:contains?|has|had)\s+an?\s+(?:\w+\s+)?(?:error|mistake)\b",
        )
    ] + [_EXCLAIMED]


def _passages(content: str) -> Iterator[tuple[int, str]]:
    """(first line, text) of each passage: wrapped lines joined, emphasis removed, fences and block quotes left out."""
    fence, start, parts = "", 0, list[str]()
    for number, line in enumerate([*content.split("\n"), ""], 1):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and (not fence or (line.strip().startswith(fence) and not line.strip().strip(fence[0]))):
            fence = "" if fence else mark[1]
            line = ""
        elif fence:
            line = ""
        begins = not line.strip() or re.match(r"\s*(?:[-*+] |\d+[.)] |\||#|>)", line)
        if begins and parts:
            yield start, " ".join(parts)
            parts = []
        if (
            not line.strip()
            or line.lstrip().startswith(">")
            or re.match(r"#+ +(?:\d+\. )?(?:Correctness Analysis|正确性分析)$", line)
        ):
            continue
        if not parts:
            start = number
        parts.append(re.sub(r"\*+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)", "", line.strip().lstrip("# ")))
        if line.lstrip().startswith(("#", "|")):
            yield start, " ".join(parts)
            parts = []
