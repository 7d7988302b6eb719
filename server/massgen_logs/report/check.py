"""What a report must not lack and must not say."""

from __future__ import annotations

import re

from massgen_logs.report.structure import MARK, SECTIONS

_ANSWER = r"(?:answers?|solutions?|results?|responses?|conclusions?|values?|outputs?|outcomes?|numbers?|sums?|totals?)"
_WHO = rf"(?:{_ANSWER}|agents?|both|they|winner|[a-z]+_[a-z0-9]+|agent\d[\w.]*)"
_RIGHT = r"(?:correct|right|incorrect|wrong|accurate|inaccurate|true)"
_FOUND = (
    r"(?:identif|answer|solv|comput|calculat|count|conclud|determin|deduc|deriv|predict|found|guess|stat|sum|work)\w*"
)
_CLAIMS = (
    re.compile(rf"\b(?:in)?correctly\s+{_FOUND}", re.I),
    re.compile(rf"\b{_FOUND}\s+(?:\w+\s+){{0,4}}?(?:in)?correctly\b", re.I),
    re.compile(
        rf"\b(?:the|a|an|this|that|its|their|final|winning|whose|one)\s+{_RIGHT}\s+(?:final\s+)?{_ANSWER}\b", re.I
    ),
    re.compile(
        rf"\b{_WHO}\s+(?:is|was|are|were|proved|turned\s+out|seems?|appears?|looks?)\s+(?:to\s+be\s+)?(?:indeed\s+)?(?:both\s+|all\s+|clearly\s+|factually\s+)?"
        rf"{_RIGHT}\b(?!\s+to\b)",
        re.I,
    ),
    re.compile(rf"\b(?:in)?correct\s+{_ANSWER}\b", re.I),
    re.compile(
        r"\b(?:was|were|is|are)\s+(?:the\s+)?(?:right|correct)\s+(?:about|in|to\s+(?:answer|conclude|claim))\b", re.I
    ),
    re.compile(
        rf"\b{_ANSWER}\s+(?:matche[sd]|equals|agrees?\s+with)\s+the\s+(?:true|actual|known|real|expected|correct)\b",
        re.I,
    ),
    re.compile(rf"\bmatch\w*\s+the\s+(?:true|actual|known|real|expected)\s+{_ANSWER}\b", re.I),
    re.compile(rf"\b(?:is|was|are)\s+indeed\s+(?:the\s+)?(?:\w+\s+)?{_ANSWER}\b", re.I),
    re.compile(r"\b(?:nailed|aced)\s+(?:it|the\b)", re.I),
    re.compile(r"\b(?:got|gets?)\s+(?:it|this|that|the\s+\w+)\s+(?:right|wrong)\b", re.I),
)
_NEUTRAL = re.compile(
    r"\b(?:no claim|not claim\w*|whether|no ground truth|without ground truth|not known|is unknown|if the|not (?:assume|assert|verified|"
    r"judged|checked|established)|can(?:not| ?not|'t) (?:be )?(?:tell|told|say|said|know|known|judge|judged)|nothing (?:says|shows|here))\b",
    re.I,
)
_QUOTES = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|`[^`\n]*`|«[^»\n]*»")


def problems(content: str, *, ground_truth: bool) -> list[str]:
    """Everything that is wrong with a report, each with its place; empty if it can be saved."""
    lines = content.split("\n")
    found = [
        f"line {number}: marked place not filled: {match[0]}..."
        for number, line in enumerate(lines, 1)
        for match in re.finditer(re.escape(MARK) + r"[^\]\n]{0,60}", line)
    ]
    found += [] if ground_truth else claims(content)
    sections = _headings(lines)
    for title, parts in SECTIONS:
        own = sections.get(_plain(title))
        if own is None:
            found.append(f'missing section "## {title}"')
        else:
            found += [f'missing section "### {part}" in "{title}"' for part in parts if _plain(part) not in own]
    return found


def claims(content: str) -> list[str]:
    """Phrases that call an answer correct or incorrect; quoted text, fences and block quotes are somebody's words."""
    found: list[str] = []
    fence = ""
    for number, line in enumerate(content.split("\n"), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and (not fence or (line.strip().startswith(fence) and not line.strip().strip(fence[0]))):
            fence = "" if fence else mark[1]
            continue
        if fence or line.lstrip().startswith((">", "#")):
            continue
        for sentence in re.split(r"(?<=[.!?;])\s+", _QUOTES.sub(" ", line)):
            if _NEUTRAL.search(sentence):
                continue
            hit = next((m for pattern in _CLAIMS if (m := pattern.search(sentence))), None)
            if hit:
                found.append(
                    f'line {number}: "{hit[0]}" claims correctness, and no ground truth was given; say claimed, produced, submitted or arrived at',
                )
    return found


def _headings(lines: list[str]) -> dict[str, set[str]]:
    """Level-two headings, each with the level-three headings below it; headings in fences are none."""
    found: dict[str, set[str]] = {}
    section: set[str] = set()
    fenced = False
    for line in lines:
        if re.match(r"\s*(?:`{3,}|~{3,})", line):
            fenced = not fenced
        elif not fenced and line.startswith("## "):
            section = found.setdefault(_plain(line), set())
        elif not fenced and line.startswith("### "):
            section.add(_plain(line))
    return found


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"^#+ *(?:\d+\. *)?|^\d+\. *", "", heading).lower()).strip()
