"""Where secrets stand in a text: by format, by context, escaped, URL-encoded, wrapped or cut off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from msgspec import Struct

from massgen_logs import stop
from massgen_logs.quick import looker, pays, valid
from massgen_logs.text.private_keys import private_keys
from massgen_logs.text.secret_contexts import ALREADY, CALL, CONTEXTS, HINTS, NO_SECRET, OWN_OPTION, URL_HINT
from massgen_logs.text.secret_formats import DOTTED, FORMATS, LOOSE, QUICK
from massgen_logs.text.views import View, replaced


class Found(Struct, frozen=True):
    """One secret in a text. value: without the line breaks and escapes in it."""

    start: int
    end: int
    kind: str
    value: str


_RUN = re.compile(r"[A-Za-z0-9_~-]{15,}")
"""What a token of any provider has: a long run. A common text has few different ones."""
_DOTTED_RUN = re.compile(r"[.:/][A-Za-z0-9_~-]{15,}")
_ALONE = ("Key=", "_authToken", "hooks.slack.com", "softlayer")
"""Words of formats whose secret may be no such run, or stands far behind them."""
_WORDS = tuple(sorted({word for _, words, _ in FORMATS for word in words}))
_GAP = r"[\n\r\\](?:(?<=\n)|(?<=\r)\n|(?<=\\)(?:r\\{1,4}|\\{0,3})n)[ \t>|]{0,16}"
"""A line break, escaped too, with the indent of the next line."""
_BREAK = re.compile(rf"(?<=[A-Za-z0-9_+/=.~-]){_GAP}(?=[A-Za-z0-9_+/.~-])")
_SPLIT = re.compile(
    rf"(?<![A-Za-z0-9_+/=.~:-])[A-Za-z0-9_+/=.~:-]{{1,300}}(?={_GAP}(?P<next>[A-Za-z0-9_+/.~-]{{4,300}}))"
)
_UNSEEN = re.compile(
    r"(?:[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff](?:(?<=\x1b)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)))?)+"
)
_ESCAPE = re.compile(r"\\(?:/|u00([2-7][0-9a-fA-F]))")
_PERCENT = re.compile(r"%(?:25){0,2}([2-7][0-9A-Fa-f])")
_DOTTED_WORDS = (*tuple(word for word in _WORDS if not word[-1].isalnum() and word[-1] not in "-_"), "1//0")
_XML = re.compile(r"(?:password|secret|token|key)>")
_TOKEN = re.compile(r"[A-Za-z0-9_+/=-]+")
_JWT_REST = re.compile(r"[A-Za-z0-9_+/=.-]+")
_PAIR = re.compile(r"=([^;\s]{6,})")
_MOST_REST = 400
"""Characters of the longest rest of a wrapped token."""
_LINES = 6
"""Line breaks before and in a token within which it must have become one."""
_WINDOW, _LONG_WINDOW = 700, 4600
"""Longer than what a context that needs an end takes up, and than any value that a context masks."""

_SHORT = 900
"""Characters of a text that is remembered; the borders that Masker joins are shorter."""
_WHOLE, _OVERLAP = 1_000_000, 25_000
"""Characters of the pieces of a long text, and by which they overlap: more than the longest secret has."""
_MOST_KNOWN = 8192
_MOST_QUIET = 1000
_BEHIND = 10
"""Characters that a context looks behind itself."""
_AT_ONCE = 1500
"""Characters of texts that are looked through together."""
_BETWEEN = "\n\0\n"
"""No secret goes through it, and nothing that tells one."""
_STRETCH = 2000
"""Characters that are looked through at once."""
_LONG_HINT = 300
"""Longer than any hint."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _looking(runs: set[str]) -> set[str]:
    """Those of these runs that may be a token: first all at once, because most texts have none."""
    whole = "\n".join(runs)
    if not _may_hold_token(whole):
        return set()
    words = [word for word in _WORDS if word in whole]
    loose = LOOSE.search(whole) is not None
    if not words and not loose:
        return set()
    return {run for run in runs if any(word in run for word in words) or (loose and LOOSE.search(run))}


_VIEWS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_UNSEEN, lambda _: ""),
    (_ESCAPE, lambda match: chr(int(match[1], 16)) if match[1] else "/"),
    (_PERCENT, lambda match: chr(int(match[1], 16))),
)


def find_plain(text: str) -> list[Found]:
    """The secrets that stand in a text unwrapped and unescaped: cheaper, for files beside those that are shown."""
    return list(_plain(text))


def find(text: str) -> Sequence[Found]:
    """All secrets in `text`, in order of their places; they may overlap. What short texts hold is remembered: a server says most
    of them again and again."""
    found = _memory.get(text)
    if found is None:
        found = _all(text)
        _remember(text, found)
    return found


def find_in(
    texts: Iterable[str], by: Callable[[str], Sequence[Found]] = find, at_once: int = _AT_ONCE,
) -> dict[str, Sequence[Found]]:  # fmt: skip
    """Those of many texts that hold secrets, as `by` finds them. Most texts hold none, which is seen sooner in many at once."""
    wanted = dict.fromkeys(texts)
    found: dict[str, Sequence[Found]] = {}
    batch, chars = list[str](), 0
    for text in [*wanted, ""]:
        if by is find and (known := _memory.get(text)) is not None:
            found |= {text: known} if known else {}
        elif text:
            batch.append(text)
            chars += len(text)
        if batch and (chars > at_once or not text):
            stop.check()
            if len(batch) == 1 or by(_BETWEEN.join(batch)):
                found |= {one: hits for one in batch if (hits := by(one))}
            elif by is find:
                for one in batch:
                    _remember(one, ())
            batch, chars = [], 0
    return found


_memory: dict[str, Sequence[Found]] = {}


def _remember(text: str, found: Sequence[Found]) -> None:
    if len(text) < _SHORT:
        if len(_memory) >= _MOST_KNOWN:
            _memory.clear()
        _memory[text] = found


def _all(text: str) -> list[Found]:
    if len(text) <= _WHOLE + _OVERLAP:
        return _in_piece(text)
    found: list[Found] = []
    for first in range(0, len(text), _WHOLE):  # what a text reads without its escapes takes a hundred times its memory
        stop.check()
        found += [
            Found(first + one.start, first + one.end, one.kind, one.value)
            for one in _in_piece(text[first : first + _WHOLE + _OVERLAP])
            if one.start < _WHOLE  # else the next piece has it
        ]
    return found


def _in_piece(text: str) -> list[Found]:
    found = [*_plain(text), *_wrapped(text)]
    for pattern, by in _VIEWS:
        view = replaced(text, pattern, by)
        if view is None:
            continue
        found += [
            Found(*view.original(one.start, one.end), one.kind, one.value)
            for one in [*_plain(view.text), *_wrapped(view.text)]
        ]
    return sorted((_continued(text, one) for one in dict.fromkeys(found)), key=lambda one: (one.start, -one.end))


def _plain(text: str) -> Iterator[Found]:
    """Secrets of the text as it stands."""
    for start, end in private_keys(text):
        yield Found(start, end, "private-key", text[start:end])
    for start, end in _merged(_token_places(text)):
        yield from _formats(text, start, end)
    for start, end in _merged(_context_places(text)):
        yield from _contexts(text, start, end)


def _token_places(text: str) -> Iterator[tuple[int, int]]:
    if not _may_hold_token(text):
        return
    for run in _looking(set(_RUN.findall(text))):
        at = text.find(run)
        while at >= 0:
            yield at - 90, at + len(run) + 300
            at = text.find(run, at + len(run))
    for match in _DOTTED_RUN.finditer(text):
        if _dotted(text, match.start() + 1):
            yield match.start() - 90, match.end() + 300
    for word in _ALONE:
        at = text.find(word)
        while at >= 0:
            yield at - 60, at + 300
            at = text.find(word, at + 200)


def _dotted(text: str, start: int) -> bool:
    """A run whose beginning stands before a dot, a colon or a slash."""
    before = text[max(0, start - 40) : start]
    return DOTTED.search(before) is not None or any(word in before for word in _DOTTED_WORDS)


def _formats(text: str, start: int, end: int) -> Iterator[Found]:
    piece = text[start:end]
    for kind, words, pattern in FORMATS:
        if not words or any(word in piece for word in words):
            for match in _compiled(pattern).finditer(text, start, end):
                group = match.re.groups
                last = match.end(group)
                if last == end:  # the place was guessed too short
                    run = _TOKEN.match(text, last)
                    last = run.end() if run else last
                yield Found(match.start(group), last, kind, text[match.start(group) : last])


def _context_places(text: str) -> Iterator[tuple[int, int]]:
    lower = text.lower()
    for hint in HINTS if len(lower) != len(text) else ():  # a letter that becomes two
        if hint.search(lower):
            yield 0, len(text)
    for start, end in _hinted(lower) if len(lower) == len(text) else ():
        for hint in HINTS:
            for match in hint.finditer(lower, start, end):
                yield match.start() - 300, match.end() + _WINDOW
    for match in URL_HINT.finditer(text) if "@" in text else ():
        yield match.start() - 40, match.end() + 1
    if "</" in text:
        for match in _XML.finditer(lower):
            yield match.start() - 60, match.end() + _WINDOW


def _hinted(lower: str) -> Iterator[tuple[int, int]]:
    """Where hints may be: of a long text only the stretches in which a quick look sees one."""
    if not pays(lower):
        yield 0, len(lower)
        return
    letters, quick = valid(lower), _quick_hints()
    for start in range(0, len(lower), _STRETCH):
        end = min(len(lower), start + _STRETCH + _LONG_HINT)
        if quick(letters[start:end]):
            yield start, end


@cache
def _quick_hints() -> Callable[[str], bool]:
    return looker("|".join(f"(?:{hint.pattern})" for hint in HINTS).replace(r"\s", r"\s\x1c-\x1f"))


def _may_hold_token(text: str) -> bool:
    """False for a long text that has nothing of any format: most files."""
    return not pays(text) or _quick_tokens()(valid(text))


@cache
def _quick_tokens() -> Callable[[str], bool]:
    return looker("|".join([*map(re.escape, (*_WORDS, *_ALONE, "1//0")), QUICK]))


def _contexts(text: str, start: int, end: int) -> Iterator[Found]:
    piece = text[max(0, start - _BEHIND) : end]
    if piece in _quiet:  # MassGen's prompts, which hold such words, stand in many files of every run
        return
    matched = False
    lower = text[start:end].lower()
    for kind, words, pattern in CONTEXTS:
        if any(word in lower for word in words):
            for match in _compiled(pattern).finditer(text, start, end):
                matched = True
                if match.end() == end:  # the place was guessed too short
                    match = match.re.match(text, match.start(), end + _LONG_WINDOW)
                    if match is None:
                        continue
                group = match.re.groups
                value = match[group]
                if OWN_OPTION.search(text, max(0, match.start(group) - 30), match.start(group)):
                    continue
                if kind == "cookie":
                    for pair in _PAIR.finditer(text, match.start(group), match.end(group)):
                        yield Found(pair.start(1), pair.end(1), kind, pair[1])
                elif _is_secret(value, text[match.end(group) : match.end(group) + 1]):
                    yield Found(match.start(group), match.end(group), kind, value)
    if not matched and len(piece) < _LONG_WINDOW:
        if len(_quiet) >= _MOST_QUIET:
            _quiet.clear()
        _quiet.add(piece)


_quiet: set[str] = set()
"""Pieces of texts in which no context is, though a hint of one."""


def _is_secret(value: str, after: str) -> bool:
    if NO_SECRET.fullmatch(value) or not value.strip():
        return False
    if after in {"(", "["} and CALL.fullmatch(value):
        return False
    rest = ALREADY.sub("", value)
    return rest == value or (len(rest) >= 6 and not any(c in rest for c in " ,\\\"'"))


def _merged(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Places without overlap, in order."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((max(0, start), end))
    return found


def _wrapped(text: str) -> Iterator[Found]:
    """Tokens that a line break goes through, which are none without their next line."""
    pairs = [(m.start(), m[0] + m["next"]) for m in _SPLIT.finditer(text) if len(m[0]) + len(m["next"]) >= 15]
    looking = _looking({joined for _, joined in pairs})
    for at in [start for start, joined in pairs if joined in looking]:
        first = max(0, at - 90)
        view = replaced(text[first : at + 900], _BREAK, lambda _: "")
        if view is None:
            continue
        # a token may end with any of the next lines: one behind it would make it too long; _continued adds the further ones
        ends = [*view.cuts, len(view.text)][:_LINES]
        for one in dict.fromkeys(one for upto in ends for one in _formats(view.text[:upto], 0, upto)):
            for start, end, value in _lines(view, one):
                yield Found(first + start, first + end, one.kind, value)


def _lines(view: View, one: Found) -> Iterator[tuple[int, int, str]]:
    """The place of a token in as few lines as make it one; none if it is one already on its first."""
    cuts = [cut for cut in view.cuts if one.start < cut < one.end]
    for index, upto in enumerate([*cuts, one.end]):
        if any(o.start == one.start and o.kind == one.kind for o in _formats(view.text[:upto], one.start, upto)):
            if index:
                yield (*view.original(one.start, upto), view.text[one.start : upto])
            return


_CONTEXT = frozenset(kind for kind, _, _ in CONTEXTS)


def _continued(text: str, one: Found) -> Found:
    """With the next lines of a token that was wrapped: their first run, if it looks like its rest."""
    end, value = one.end, one.value
    while (
        one.kind != "private-key"
        and (gap := _BREAK.match(text, end))
        and (rest := goes_on(text[gap.end() : gap.end() + _MOST_REST + 1], one.kind))
    ):
        end, value = gap.end() + len(rest), value + rest
    return one if end == one.end else Found(one.start, end, one.kind, value)


def goes_on(text: str, kind: str) -> str:
    """The rest of a token at the beginning of the next line or piece; "" for what looks like a word, a name or a time."""
    run = (_JWT_REST if kind == "jwt" else _TOKEN).match(text[:_MOST_REST])
    word = run[0] if run else ""
    after = text[len(word) : len(word) + 1]
    least = 8 if kind in _CONTEXT else 4
    if len(word) < least or after in set("=:(.[") or "=" in word.rstrip("="):
        return ""
    mixed = not (word.islower() or word.isupper() or word.istitle())
    digits, letters = any(c.isdigit() for c in word), any(c.isalpha() for c in word)
    return word if (digits and letters) or (mixed and len(word) > 16) else ""


def across(before: str, after: str) -> Iterator[tuple[str, str, Found]]:
    """Secrets that are split over two neighbouring pieces: the end of the one, the beginning of the other, the whole."""
    border = len(before)
    joined = before + after
    whole = [found for found in find(joined) if found.start < border < found.end]
    alone = {found.start for found in find(before) if found.end == border} if whole else set[int]()
    for found in whole:
        if found.kind != "private-key" and (found.kind in _CONTEXT or found.start in alone):
            rest = goes_on(after, found.kind)
            if not rest:
                continue
            found = Found(found.start, border + len(rest), found.kind, joined[found.start : border + len(rest)])
        yield before[found.start :], joined[border : found.end], found
