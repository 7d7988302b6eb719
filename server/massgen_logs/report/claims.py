"""Finding sentences that call an agent's answer correct or incorrect. Only the user's ground truth allows that.

A sentence is cut into clauses. A clause claims when one of a few predicates ("is correct", "contains an error", "solved ...
correctly") stands with a subject that is an answer, what it holds, or an agent. It claims nothing when

- its subject is part of the process (a vote, a command, a path, a file, a recorded count): that is measured, not believed;
- its own clause says whose words it is ("claimed that"), asks ("whether") or denies knowing ("unknown"). An excuse reaches
  into the next clause only as the rest of the same complement ("claimed that X and that the answer is correct").

Quotation marks, code spans, block quotes and fences hold somebody's words. Not seen: a verdict spread over table cells, and
one without a verb ("its reasoning is sound and its answer correct").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from massgen_logs.report import claims_zh
from massgen_logs.report.claims_words import (
    ADJECTIVE,
    ADVERB,
    ANSWER,
    BE,
    FAULT,
    GIVEN,
    KIND,
    LOOSE,
    PROCESS,
    SURE,
    TASK,
    VERB,
)
from massgen_logs.report.lines import numbered, unquoted

# Who says it, asks it, or doesn't know it.
_EXCUSED = re.compile(
    rf"(?<!\bthe\s)(?<!\bits\s)(?<!['’]s\s)\b(?:claim(?:s|ed|ing)?|said|says?|stat(?:es?|ed|ing)|wrote|writes?|believ\w+|thinks?|thought|argu\w+|"
    r"assert\w*|suggest\w*|mention\w*|report(?:s|ed)\s+that|conclud\w+\s+that|reason\w*\s+that|(?<!no\s)doubt(?:s|ed)?(?=\s+that|\s+whether)|consider\w*|check\w*|verif(?:y|ies|ying)|"
    r"ensur\w+|asks?|asked|confident|insist\w*|trust(?:s|ed)?|convinced|confirm|decid\w+|judg\w+|tell|told|knows?|assum\w+|call(?:s|ed)|label\w*\s+as|"
    rf"unable|can(?:not|['’]t|not)\s+(?:say|be))\b(?!\s+{BE}\b)"
    r"|\b(?:unknown|unclear|whether|if|unless|would|could|may|might|no\s+ground\s+truth|without\s+ground\s+truth|claims?\s+that\b(?!.*\s(?:is|are|was|were|has|have|equals?)\s)|no\s+claim|"
    r"not\s+known|nothing\s+about|(?:\w+n['’]t|not|never)\s+(?:mean|prove|show|imply|say|establish)|according\s+to\s+(?:\w+\s+)?(?:agent|vot|reason|it)\w*|(?:task|question|goal|prompt|aim|job)s?\s+(?:is|was)\s+to)\b"
    r"|\b(?:in|from)\s+(?!my\b|our\b)(?:the\s+)?\S+\s+(?:view|words|opinion|eyes)\b",
    re.I,
)
_COMPLEMENT = re.compile(r"\b(?:that|whether|if)\b", re.I)
_ATTRIBUTED_AFTER = re.compile(
    r"\W*(?:according\s+to\b(?!\s+(?:the\s+)?(?:given\s+|provided\s+)?ground\s+truth)|(?:\w+\s+){0,2}\S+\s+(?:said|says|wrote|writes|claim(?:s|ed)|argue[sd]|believe[sd])\b(?!\s+\w))",
    re.I,
)
_CUT = re.compile(
    r"\s*(?P<comma>;|:\s|\s[—–-]\s|,\s*(?=(?:and|but|so|while|yet|whereas|although|though|because|since|which|who|or|as|then)\s)"
    r"|,\s*(?=(?:the|this|its|their|it|they|both|agent\w*)\b))"
    r"|\s+(?=(?:because|while|whereas|although|though|when|but|so|and\s+(?:the|this|its|their|it|they|both|agent\w*))\s)",
    re.I,
)
_FRONT = re.compile(
    r"\W*(?:according\s+to|as|if|when|while|after|before|although|though|since|because|despite|once|given|in|by|on|at|with|for|from|to)\b[^,]*,\s*",
    re.I,
)
_FRONT_SPEAKER = re.compile(
    r"\W*(?:according\s+to|(?:in|from)\s+\S+\s+(?:view|words|opinion|eyes)|for\s+agent)\b", re.I
)
_NEAR = re.compile(rf"\b{PROCESS}\b", re.I)
_ABOUT = re.compile(rf"\s+in\s+form\b|\s+(?:in|about|on|of)\s+(?:[\w'’]+\s+){{0,3}}?{PROCESS}\b", re.I)
_BY_PREPOSITION = re.compile(
    r"(?P<head>\w+)\s+(?:of|for|by|to|from|with|in|on|than|at|about|against|over|between|without)\s+(?:(?:the|an?|its|their|all|both|two|final|\S+['’]s)\s+)*$",
    re.I,
)
_MODIFIERS = re.compile(r"(?:[\w'’.-]+\s+){0,3}$")
_DETERMINERS = r"(?:(?:the|an?|its|their|most|both|all|last|first|second|final)\s+)*"
_ADDED = re.compile(
    rf"\s*\([^)]*\)|\s*,[^,]*,|\s(?:of|for|by|to|from|with|in|won|got)\s+{_DETERMINERS}(?:(?:\w+\s+)?{PROCESS}\b|[\w.$€%'’-]+(?:,\d+)*)",
    re.I,
)
_ANOTHER = re.compile(r"\s(?:the|an?|its|their|\S+['’]s)\s+(?:\w+\s+){1,2}$", re.I)
_ADJACENT = re.compile(
    r"(?:\s+(?:clearly|certainly|also|all|both|themselves|itself|alone|therefore|thus|indeed|that))*\s*", re.I
)
_PRONOUN = re.compile(r"(?:^|\W)(?:it|this|that|which|they|these|those)\s*$|^\W*(?:and|but|yet)?\s*$", re.I)
_PRONOUN_FIRST = re.compile(r"\W*(?:it|this|that|they|these|those)\b", re.I)
_NUMBER = re.compile(r"(?:^|\W)[$€]?\d[\d,.]*%?\s*$")
_OWN_VOICE = re.compile(
    r"\b(?:I|we|one|anyone|everyone|everybody)(?:\s+(?:can|could|may|must|do|also|therefore|now|would))*\s+"
    r"(?:believe|think|say|verify|confirm|conclude|judge|tell|see|state|note|find|consider|assume)s?\b(?:\s+that\b)?(?!\s+(?:whether|if)\b)",
    re.I,
)
"""The analyst's own voice, which excuses nothing."""
_CLAIMED_WORK = re.compile(
    rf"\bclaims?\b[^.;]{{0,80}}?\s{BE}\s+(?:not\s+)?{ADJECTIVE}(?=[^.]*\b(?:calls?|commands?|tools?|tests?|ran|run|exit\w*)\b)",
    re.I,
)
"""A claim to have done something, beside what the log has of it."""
_AFTER_ALL = [
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b{ADJECTIVE},?\s+and\s+(?:it|they|that|this|so\s+it)\s+(?:is|are|was|were)\W*$",
        r"(?:,|\s[—–-])\s*(?:and\s+)?(?:rightly|correctly|wrongly|incorrectly)(?:\s+so)?\W*$",
        rf"\s[—–-]\s*{GIVEN}\W*$",
        rf"\(\s*{GIVEN}(?:ly)?\s*\)",
        rf"^\W*{GIVEN}\s+(?:{ANSWER}|results?|sums?|totals?|numbers?)\b",
        r"\bcorrectness\s*:\s*(?:yes|no|ok|high|full|complete)\W*$",
        rf"\bagent\S*['’]s\s+(?:is|was)\s+{ADJECTIVE}\b",
        rf"\bnothing\s+in\s+(?:\S+\s+){{1,2}}{ANSWER}\s+{BE}\s+{ADJECTIVE}",
        rf"\bnothing\s+(?:{BE}\s+)?wrong\s+(?:with|in)\s+(?:the|its|this|\S+['’]s)\s+(?:final\s+)?(?:{ANSWER}|{LOOSE})\b",
        rf"\bno\s+{FAULT}\s+(?:(?:was|were)\s+(?:found|seen)\s+)?in\s+(?:the|its|this|\S+['’]s)\s+(?:final\s+|winning\s+)?{ANSWER}\b",
        rf"\b(?:all|both|two|three)\s+(?:\w+\s+)?agents\s+confirm(?:ed)?\s+(?:the\s+(?:{ANSWER}|{LOOSE})|\S*\d)",
        rf"\bconfirm(?:s|ed)?\s+(?:the|its|this)\s+(?:final\s+|winning\s+)?(?:{ANSWER}|sum|total|result|number)\b",
    )
]
"""Claims of the analyst also in a sentence that begins with somebody else's words; none where it is about the process."""
_LONGEST, _OVER = 1000, 200
"""Characters of a sentence, and by which its pieces overlap if it is longer."""
_ITEM = re.compile(r"\s*(?:[-*+]\s+|\d+[.)]\s+)?(?:\[[ xX?]\]\s*)?")
_WHOLE = re.compile(
    rf"\W*(?:(?:and\s+)?(?:(?:the|its|their|\S+['’]s)\s+)?(?:\w+\s+)?(?:{ANSWER}|{LOOSE})\W+)?"
    rf"(?:{ADJECTIVE}|correctly\s+\w+)(?:\s+(?:and\s+\w+|answer|result|solution))?\W*",
    re.I,
)
_LABELLED = re.compile(
    rf"\W*(?P<label>[^:|]*\b(?:{ANSWER}|{LOOSE}|correctness|accuracy|verdict|outcome|success|agent\w*)\b[^:|]*):\W*"
    rf"(?:{ADJECTIVE}|verified|confirmed)(?:\s+and\s+\w+)?\W*",
    re.I,
)


def claims(content: str, agents: Iterable[str] = ()) -> list[str]:
    """Each claim with its line and words; `agents` are the ids that may be the subject of one."""
    agents = list(agents)
    grammar, chinese = _grammar(agents), claims_zh.finder(agents)
    found: list[str] = []
    for line, text in _passages(content):
        for cell in text.split("|") if text.lstrip().startswith("|") else [text]:
            item = _ITEM.match(cell)
            whole = " ".join((cell[item.end() :] if item else cell).split())  # a run of spaces would cost its square
            if len(whole) < 60 and (_whole(whole) or claims_zh.WHOLE.fullmatch(whole)):
                found.append(_say(line, whole))
                continue
            context = ""
            for sentence in _sentences(unquoted(whole, keep=agents)):
                sentence = _CLAIMED_WORK.sub(" ", _OWN_VOICE.sub(" ", sentence))
                words = _in_sentence(sentence, context, grammar) or chinese.search(sentence)
                if words:
                    found.append(_say(line, words))
                context = sentence
    return found


def _sentences(text: str) -> Iterator[str]:
    """Its sentences; one that no writer writes comes in pieces, since each claim in it is looked for in all of it."""
    for sentence in re.split(r"(?<=[.!?])\s+|(?<=[。！？；])", text):
        for at in range(0, len(sentence) or 1, _LONGEST):
            yield sentence[at : at + _LONGEST + _OVER]


def _say(line: int, words: str) -> str:
    return f'line {line}: "{words[:80]}" claims correctness, and no ground truth was given; say claimed, produced, submitted or arrived at, or name the vote, call or file that it is about'


def _whole(text: str) -> bool:
    """Whether a cell or list item is nothing but a verdict."""
    labelled = _LABELLED.fullmatch(text)
    return bool(_WHOLE.fullmatch(text) or (labelled and not _NEAR.search(labelled["label"])))


def _in_sentence(sentence: str, context: str, grammar: _Grammar) -> str | None:
    """The words of a claim; `context` is the sentence before it, which a pronoun may mean."""
    if not _NEAR.search(sentence) and (found := next((m for p in _AFTER_ALL if (m := p.search(sentence))), None)):
        return found[0].strip(" ,")
    earlier = ""
    for clause in _clauses(sentence):
        near = earlier or (context if _PRONOUN_FIRST.match(clause.text) else "")
        words = grammar.claim(clause, near)
        if words and not (clause.excused or clause.attributed):
            return words
        earlier = clause.text
    return None


class _Clause(Struct, frozen=True):
    """text; excused: the clause before it says that these are somebody's words; attributed: the one after it does."""

    text: str
    excused: bool
    attributed: bool


def _clauses(sentence: str) -> Iterator[_Clause]:
    """A sentence cut before conjunctions, after colons and after a fronted part."""
    front = _FRONT.match(sentence)
    start = front.end() if front else 0
    cuts = [(m.start(), m.end(), bool(m["comma"])) for m in _CUT.finditer(sentence, start)]
    ends = [cut[0] for cut in cuts] + [len(sentence)]
    begins = [(start, False), *((cut[1], not cut[2]) for cut in cuts)]
    texts = [sentence[begin:end] for (begin, _), end in zip(begins, ends, strict=True)]
    if front:
        yield _Clause(front[0], excused=False, attributed=False)
    excused = bool(front and _FRONT_SPEAKER.match(front[0]))
    for number, (text, (_, joined)) in enumerate(zip(texts, begins, strict=True)):
        if number:
            before = texts[number - 1]
            excuse = _EXCUSED.search(before)
            complement = excused or bool(excuse and _COMPLEMENT.search(before, excuse.start()))
            excused = complement and (joined or bool(re.match(r"\W*(?:and|or|but)\s+(?:that|whether)\b", text)))
        after = texts[number + 1] if number + 1 < len(texts) else ""
        yield _Clause(text, excused, attributed=bool(_ATTRIBUTED_AFTER.match(after)))


class _Grammar(Struct, frozen=True):
    """head: what a claim may be about (groups agent, answer, loose); first: that, a task, or a part of the process."""

    head: re.Pattern[str]
    first: re.Pattern[str]

    def claim(self, clause: _Clause, context: str) -> str | None:
        """The words of a claim that the clause makes by itself, or None."""
        for pattern, allowed in _PREDICATES:
            for hit in pattern.finditer(clause.text):
                before = clause.text[: hit.start()]
                excused = _EXCUSED.search(before) or _ATTRIBUTED_AFTER.match(clause.text, hit.end())
                if not excused and allowed(self, before, hit, context):
                    return clause.text[: hit.end()].strip(" ,")
        return None

    def subject(self, before: str, hit: re.Match[str], context: str) -> bool:
        """Whether the noun that a predicate belongs to may be the subject of a claim."""
        rest = hit.string[hit.end() :]
        if _NUMBER.search(before) or _PRONOUN.search(before):
            near = f"{context} {before}"
            claimable = bool(_NUMBER.search(before)) or self.head.search(near)
            return bool(claimable) and not _NEAR.search(near) and not _ABOUT.match(rest)
        for noun in reversed(list(self.head.finditer(before))):
            lead, gap = before[: noun.start()], _ADDED.sub(" ", before[noun.end() :])
            if (_NEAR.search(gap) or _ANOTHER.search(gap + " ")) and not re.search(r"\band\s*$", gap):
                return False  # the predicate belongs to a noun in between
            if by := _BY_PREPOSITION.search(lead):
                if _NEAR.fullmatch(by["head"]) or re.fullmatch(r"numbers?|counts?", by["head"], re.I):
                    return False
                continue
            near = _MODIFIERS.search(lead)
            if noun["loose"] and _NEAR.search(before[noun.end() :]):
                return False
            if noun["agent"]:
                if hit[0].lower().endswith("valid"):  # for a vote
                    return False
                return bool(_ADJACENT.fullmatch(gap) or re.search(r"\band\s*$", gap)) and not _ABOUT.match(rest)
            if near and _NEAR.search(near[0]):
                return False
            if noun["answer"]:
                return len(gap) <= 80
            compound = re.search(rf"\b{ANSWER}\s*$", lead, re.I)
            return not (compound or _NEAR.search(context) or _NEAR.search(lead) or _ABOUT.match(rest))
        return False

    def doer(self, before: str, hit: re.Match[str], _context: str) -> bool:
        """Whether the first noun of the clause is an agent, an answer or the task, and the object no part of the process."""
        first = self.first.search(before + hit[0])
        return bool(first and not first["process"]) and not _OBJECT.match(hit.string, hit.end())

    def manner(self, before: str, hit: re.Match[str], context: str) -> bool:
        """`doer`, where what was done stands between verb and adverb."""
        return self.doer(before, hit, context) and not _NEAR.search(hit[0])

    def content(self, before: str, hit: re.Match[str], context: str) -> bool:
        """Whether the first noun of the clause is an answer or what it holds."""
        first = self.first.search(before)
        return bool(first and (first["answer"] or first["loose"])) and self.doer(before, hit, context)

    def free(self, before: str, hit: re.Match[str], _context: str) -> bool:
        """Whether no part of the process comes first; the predicate needs no subject."""
        first = self.first.search(before)
        return not (first and first["process"]) and not _OBJECT.match(hit.string, hit.end())

    def unrelated(self, before: str, hit: re.Match[str], context: str) -> bool:
        """Whether nothing near it is part of the process: for words that fit both."""
        return not _NEAR.search(f"{context} {before} {hit[0]}") and not _ABOUT.match(hit.string, hit.end())

    def agents(self, before: str, hit: re.Match[str], context: str) -> bool:
        """`unrelated`, and somebody did it."""
        first = self.first.search(before)
        return bool(first and first["agent"]) and not _NEAR.search(hit.string) and self.unrelated(before, hit, "")

    def whole(self, before: str, _hit: re.Match[str], _context: str) -> bool:
        """Whether it is the whole clause or what the clause's process isn't said to have done with its labels."""
        return not _MISPLACED.search(before)


_OBJECT = re.compile(
    rf"(?:\s+(?!(?:in|by|after|with|within|before|on|at|during|without|and|but|of)\b)[\w'’-]+){{0,3}}?\s+{PROCESS}\b",
    re.I,
)
_MISPLACED = re.compile(
    r"\b(?:votes?|labels?|mappings?|prompts?)\b.*\b(?:record|count|attribut|resolv|mapp|point|stor|show|display|assign)\w*\b",
    re.I,
)
_NOT_TEXT = r"(?!\s+(?:messages?|traces?|texts?|codes?|outputs?|logs?|reports?|lines?|handling))"
_PREDICATES = [
    (re.compile(pattern, re.I), allowed)
    for pattern, allowed in (
        (
            rf"\b{BE}{SURE}\s+(?:(?:the|an?)\s+)?(?:only\s+)?{ADJECTIVE}\b"
            rf"(?!\s+(?:to(?!\s+(?:me|us)\b)|for|agent|after|away|before|behind|when|at|now|submissions?|{PROCESS})\b)",
            _Grammar.subject,
        ),
        (
            rf"\b{GIVEN}(?:\s+and\s+\w+)?\s+(?:(?:final|unique|single|overall)\s+)?{ANSWER}\b(?!(?:['’]s?)?\s+{PROCESS}\b)"
            r"(?!\s+(?:is|was|were|are)\s+(?:not\s+known|unknown|not\s+recorded|presented|delivered|shown|recorded))",
            _Grammar.whole,
        ),
        (rf"\b(?:actual|real)\s+{ANSWER}\s+{BE}\b", _Grammar.whole),
        (
            rf"\b(?:the|an?|its|their|this)\s+(?:only\s+)?{GIVEN}(?:\s+and\s+\w+)?\s+(?:final\s+)?{LOOSE}\b",
            _Grammar.agents,
        ),
        (rf"\bthe\s+(?:{GIVEN}|actual|real)\s+{LOOSE}\b[^,]{{0,40}}?\s+{BE}\b", _Grammar.unrelated),
        (rf"\b{BE}\s+(?:the|an?)\s+(?:only\s+)?{GIVEN}\s+{LOOSE}\b", _Grammar.unrelated),
        (rf"\b{ADVERB}\s+{VERB}", _Grammar.doer),
        (rf"\b{VERB}(?:\s+(?!that\b|whether\b)[^\s,•]+){{0,6}}?\s+{ADVERB}\b", _Grammar.manner),
        (rf"\bsuccessfully\s+solv\w+\s+the\s+{TASK}\b", _Grammar.doer),
        (r"\b(?:mis(?:calculat|count|comput|identif|add|sum)\w*|errs?|erred)\b", _Grammar.doer),
        (rf"\b{KIND}\s+{FAULT}\b{_NOT_TEXT}", _Grammar.doer),
        (
            rf"\b(?:contain(?:s|ed)?|has|had|have|made|makes?|includes?)\s+(?:\w+\s+){{0,3}}?{FAULT}\b{_NOT_TEXT}",
            _Grammar.content,
        ),
        (rf"\b(?:got|gets?)\s+(?:it|this|that|the\s+(?!{PROCESS}\b)\w+)\s+{ADJECTIVE}\b", _Grammar.free),
        (
            r"\b(?:match\w*|equal\w*|agree\w*\s+with)\s+the\s+(?:true|actual|known|real|expected|correct)\s+\w+",
            _Grammar.unrelated,
        ),
        (rf"\b(?:is|was|are)\s+indeed\s+(?:the\s+)?(?:\w+\s+)?(?:{ANSWER}|{LOOSE})\b", _Grammar.unrelated),
        (rf"\b{BE}\s+indeed\s+[^\s\w]*\d", _Grammar.content),
        (r"\b(?:nailed|aced)\s+(?:it|the\b)", _Grammar.free),
        (
            rf"\b{ANSWER}\s+{ADVERB}\s+(?:answer|give|state|solve|name|list|count|compute|determine|identif)(?:s|ies|ed)?\b",
            _Grammar.doer,
        ),
        (rf"(?<!which\s)(?<!whose\s)\b(?:best|better|superior|worst)\s+(?:final\s+)?{ANSWER}\b", _Grammar.whole),
        (
            r"\b(?:is|was|are|were|been)\s+(?:(?:also|indeed|independently|thus|all|both)\s+)?(?:confirmed|verified)\b(?!\s+(?:as|to\s+be|that|whether)\b)",
            _Grammar.subject,
        ),
        (
            r"\b(?:holds?|held)\s+up\b|\bchecks?\s+out\b|\bstands?\s+up\s+to\b"
            rf"|\b{BE}\s+(?:spot\s+on|on\s+the\s+mark|mathematically\s+sound|what\s+it\s+should\s+be)\b",
            _Grammar.subject,
        ),
        (
            r"\b(?:task|question|puzzle|riddle)s?\s+(?:was|were|is|has\s+been|have\s+been)\s+(?:\w+ly\s+)?solved\b",
            _Grammar.free,
        ),
        (
            rf"\b(?:prove[sd]?|shows?|showed)\s+(?:the|its|this|\S+['’]s)\s+(?:final\s+)?{ANSWER}\s+{ADJECTIVE}\b",
            _Grammar.whole,
        ),
        (
            rf"\b(?:{VERB}|nam\w+|produc\w+|return\w*)\s+the\s+{GIVEN}\s+(?!{PROCESS}\b|approach|way|ideas?|places?|moments?|things?|strateg\w+|methods?|steps?|agents?|folder)\w+",
            _Grammar.doer,
        ),
        (r"\b(?:hallucinat|fabricat)\w*", _Grammar.agents),
        (
            rf"\b(?:verified|confirmed|proven|proved|marked|graded)\s+(?:as|to\s+be)\s+{ADJECTIVE}\b",
            _Grammar.free,
        ),
        (rf"[✅✔☑❌✗✘]\W*{GIVEN}\b", _Grammar.free),
        (r"\b(?:correct|wrong|right|incorrect)!", _Grammar.free),
    )
]


def _grammar(agents: Iterable[str]) -> _Grammar:
    ids = "".join("|" + re.escape(agent) for agent in sorted(agents, key=len, reverse=True))
    who = rf"(?:agents?|they|both|winner|voter|team|everyone|majority|run{ids}|agent_?\w+|agent\d[\w.]*)"
    head = rf"(?<![\w.])(?:(?P<agent>{who})(?!['’]s?\b)(?!\w)|(?P<answer>{ANSWER})(?!['’]s?\s|\s+{PROCESS}\b)\b|(?P<loose>{LOOSE})(?!['’]s?\s)\b)"
    return _Grammar(
        re.compile(head, re.I),
        re.compile(rf"\b(?P<process>{PROCESS})\b|{head}|\b(?P<task>{TASK})\b", re.I),
    )


def _passages(content: str) -> Iterator[tuple[int, str]]:
    """(first line, text) of each passage: wrapped lines joined, emphasis removed, fences and block quotes left out."""
    start, parts = 0, list[str]()
    for number, whole, fenced in [*numbered(content), (0, "", False)]:
        line = "" if fenced else whole
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
