"""The one step that everything takes on its way out: a secret becomes `[masked:KIND#N]`.

The same secret has the same tag within one answer, so that equality stays visible. A secret that any text of the answer
or any file of its run shows to be one (by format or by context, see find) is masked wherever its value stands, and so is
a part of it that a cut has left. What MassGen redacted itself stays as it is; it does so from 0.1.76 on only, and only in
some files. There is no way to switch masking off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NewType, cast
from urllib.parse import quote

from msgspec import Struct, to_builtins

from massgen_logs.text.find import Found, across, find, find_in
from massgen_logs.text.secret_contexts import NO_SECRET

if TYPE_CHECKING:
    from massgen_logs.run.model import Secret

Masked = NewType("Masked", str)
"""A text that went through a Masker: the only one that a surface writes."""

_TAG = re.compile(r"\[masked:([^#\]\s]+)#(\d+)\]")
_EDGE = 400
"""Characters at the end of one piece and the beginning of the next in which a secret may stand that is split over them."""
_LEAD = re.compile(r"(?:[A-Za-z]{1,9}\d{0,2}[-_.]){0,4}")
"""What all tokens of a provider begin with: no part of a secret."""
_LEAST = 4
"""Characters of a secret's half that are masked; fewer tell nothing."""


class MaskedSecret(Struct, frozen=True):
    """field: the first one of the answer that it stood in, None for one that only the finished text shows; places: the first
    ones in the run's files, as file:line."""

    tag: str
    kind: str
    field: str | None
    places: list[str]


class Masker:
    """Masks the texts of one answer; remembers which secret got which number."""

    def __init__(self, known: Iterable[Secret] = (), numbers: dict[str, int] | None = None) -> None:
        """numbers: of secrets that other Maskers met already, and that this one adds to: for texts that are kept masked."""
        self._numbers: dict[str, int] = {} if numbers is None else numbers
        self._kinds: dict[str, str] = {}
        self._forms: dict[str, _Form] = {}
        self._near = self._forms
        self._tags: dict[str, str] = {}
        self._fields: dict[str, str | None] = {}
        self._halves: dict[tuple[str, str], str] = {}
        self._last: dict[str, str] = {}
        self._seen: dict[str, Sequence[Found]] = {}
        self._places: dict[str, list[str]] = {}
        for one in known:
            self._remember(one.kind, one.value)
            self._places[one.value] = one.places

    @property
    def count(self) -> int:
        """How many different secrets were masked."""
        return len(self._tags)

    def masked(self) -> list[MaskedSecret]:
        """Those that were masked, in the order of their numbers."""
        return [
            MaskedSecret(tag, self._kinds[secret], self._fields[secret], self._places.get(secret, []))
            for secret, tag in self._tags.items()
        ]

    def recall(self, text: str, field: str) -> None:
        """Count the secrets whose tags, with the same numbers, another Masker put into a text."""
        tags = _TAG.findall(text)
        met = {str(number): secret for secret, number in self._numbers.items()} if tags else {}
        for kind, number in tags:
            if (secret := met.get(number)) is not None:
                self._remember(kind, secret)
                self._tags.setdefault(secret, f"[masked:{kind}#{number}]")
                self._fields.setdefault(secret, field)

    def learn(self, text: str) -> None:
        """Remember the secrets of a text that is shown elsewhere, or not at all."""
        for found in self._find(text):
            self._remember(found.kind, found.value)

    def follow(self, stream: str, text: str) -> None:
        """Learn a text that goes on where the last one of `stream` ended: a secret may be split over both."""
        self.learn(text)
        if border := self._border(stream, text):
            self._learn_split(*border)

    def _border(self, stream: str, text: str) -> tuple[str, str] | None:
        """The end of what `stream` had, and the beginning of what goes on there now."""
        before = self._last.get(stream, "")[-_EDGE:]
        self._last[stream] = (before + text)[-_EDGE:] if len(text) < _EDGE else text
        return (before, text[:_EDGE]) if before and text else None

    def _learn_split(self, before: str, after: str) -> None:
        for end, beginning, found in across(before, after):
            self._remember(found.kind, found.value)
            self._halves[end, beginning] = found.value

    def text(self, value: str, field: str = "") -> Masked:
        """`value` without its secrets; `field` names where it stands."""
        here = self._find(value)
        if not here and not self._near and not self._halves:
            return Masked(value)
        spans: list[tuple[int, int, str]] = []
        for found in here:
            self._remember(found.kind, found.value)
            spans.append((found.start, found.end, found.value))
        spans += self._known(value)
        spans += self._cut(value)
        parts, at = list[str](), 0
        for start, end, secret in _outermost(spans):
            parts += [value[at:start], self._tag(secret)]
            self._fields.setdefault(secret, field or None)
            at = end
        return Masked("".join([*parts, value[at:]]))

    def value(self, value: object) -> object:
        """A JSON-like value (structs too) with every text in it masked, keys included."""
        plain: object = to_builtins(value)
        self._learn_all(plain)
        self._near = self._forms_near("\n".join(_texts(plain)))
        masked = self._masked(plain, "")
        self._near = self._forms
        return masked

    def may_mask(self, text: str) -> bool:
        """False if nothing in it can be a secret that is known already, nor a part of one."""
        return bool(self._forms_near(text))

    def _forms_near(self, text: str) -> dict[str, _Form]:
        return {form: f for form, f in self._forms.items() if form[:6] in text or (f.tail and f.tail in text)}

    def beside(self, key: str, value: object) -> object:
        """`value` (a scalar) as masked, where it may be a secret only because of its key."""
        if value is None or isinstance(value, bool | float):
            return value
        if _may_tell(key, str(value)):
            self._learn_beside(key, str(value))
        masked = self.text(str(value))
        return value if masked == str(value) else masked

    def _learn_all(self, value: object) -> None:
        """Every text and key of a value, each item beside its key, and what goes through the border of two texts."""
        steps = list(self._steps(value, ""))
        texts = [
            before + after if what == "border" else _beside(before, after) if what == "item" else before
            for what, before, after in steps
        ]
        found = find_in(texts)
        self._seen |= {text: found.get(text, ()) for text in texts}
        for what, before, after in steps:
            if what == "border":
                self._learn_split(before, after)
            elif what == "item":
                self._learn_beside(before, after)
            else:
                self.learn(before)

    def _steps(self, value: object, stream: str) -> Iterator[tuple[str, str, str]]:
        """What is to be learned, in order: ("text", text, ""), ("item", key, value), ("border", before, after)."""
        if isinstance(value, str):
            yield "text", value, ""
            if border := self._border(stream, value):
                yield "border", *border
        elif isinstance(value, dict):
            for key, item in cast("dict[object, object]", value).items():
                yield "text", str(key), ""
                if isinstance(item, str) and _may_tell(str(key), item):
                    yield "item", str(key), item
                yield from self._steps(item, f"{stream}.{key}")
        elif isinstance(value, list | tuple):
            for item in cast("list[object]", value):
                yield from self._steps(item, stream)

    def _learn_beside(self, key: str, value: str) -> None:
        """Structured data keeps a name and its value apart."""
        for found in self._find(_beside(key, value)):
            if found.value == _quoted(value):
                self._remember(found.kind, value)
                self._forms[value] = _Form(value, "", "")

    def _masked(self, value: object, field: str) -> object:
        if isinstance(value, str):
            masked = self.text(value, field)
            if "[masked:" in value:  # by a tool, before it cut the text
                for secret, tag in self._tags.items():
                    if self._fields[secret] is None and tag in value:
                        self._fields[secret] = field
            return masked
        if isinstance(value, dict):
            inside = field + "." if field else ""
            pairs = cast("dict[object, object]", value).items()
            return {self._masked(k, field): self._masked(v, f"{inside}{self.text(str(k))}") for k, v in pairs}
        if isinstance(value, list | tuple):
            return [self._masked(item, f"{field}[{i}]") for i, item in enumerate(cast("list[object]", value))]
        return value

    def _find(self, text: str) -> Sequence[Found]:
        if text not in self._seen:
            self._seen[text] = find(text)
        return self._seen[text]

    def _remember(self, kind: str, value: str) -> None:
        if value in self._kinds:
            return
        self._kinds[value] = kind
        forms: list[str] = []
        if kind == "private-key":
            forms = re.findall(r"[A-Za-z0-9+/=]{32,}", value)
        elif _tells(value):
            dumped = json.dumps(value)[1:-1]
            forms = [value, dumped, json.dumps(dumped)[1:-1], quote(value, safe="")]
        for form in forms:
            self._forms.setdefault(form, _Form(value, *_ends(form)))

    def _known(self, text: str) -> list[tuple[int, int, str]]:
        """Remembered values wherever they stand, whatever stands around them."""
        spans: list[tuple[int, int, str]] = []
        for form, known in self._near.items():
            at = text.find(form)
            while at >= 0:
                end = at + len(form)
                if not form.isalpha() or not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
                    spans.append((at, end, known.value))
                at = text.find(form, end)
        return spans

    def _cut(self, text: str) -> list[tuple[int, int, str]]:
        """The parts of remembered values that a cut left: beginnings anywhere, ends at the text's beginning."""
        spans: list[tuple[int, int, str]] = []
        for form, known in self._near.items():
            head, tail = known.head, known.tail
            at = text.find(head) if head else -1
            while at >= 0:
                end = at + len(head)
                while end < len(text) and end - at < len(form) and text[end] == form[end - at]:
                    end += 1
                spans.append((at, end, known.value))
                at = text.find(head, end)
            if tail and (at := text.find(tail, 0, len(form))) >= 0 and form.endswith(text[: at + len(tail)]):
                spans.append((0, at + len(tail), known.value))
        for (before, after), value in self._halves.items():
            if len(before) >= _LEAST and text.endswith(before):
                spans.append((len(text) - len(before), len(text), value))
            if len(after) >= _LEAST and text.startswith(after):
                spans.append((0, len(after), value))
        return spans

    def _tag(self, secret: str) -> str:
        kind = self._kinds[secret]
        number = self._numbers.setdefault(secret, len(self._numbers) + 1)
        return self._tags.setdefault(secret, f"[masked:{kind}#{number}]")


class _Form(Struct, frozen=True):
    """One way in which a secret may stand in a text; head and tail: by which a cut one is known, "" for none."""

    value: str
    head: str
    tail: str


def _texts(value: object) -> Iterator[str]:
    """All texts of a plain value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in cast("list[object]", value):
            yield from _texts(item)


def _may_tell(key: str, value: str) -> bool:
    return len(key) < 60 and len(value) < 4000


def _beside(key: str, value: str) -> str:
    return f'"{key}": "{_quoted(value)}"'


def _quoted(value: str) -> str:
    return value.replace('"', "'").replace("\n", " ")


def _tells(value: str) -> bool:
    """True if a value is a secret without its context too: no word, small number or path that stands everywhere."""
    if len(value) < 6 or NO_SECRET.fullmatch(value):
        return False
    return len(value) >= 9 if value.isalpha() or value.isdigit() else True


def _ends(form: str) -> tuple[str, str]:
    """The shortest beginning and end by which a cut value is known again; "" for a value without such."""
    lead = _LEAD.match(form)
    start = lead.end() if lead else 0
    head = max(8, start + 4, start + _mixed(form[start:]))
    tail = max(8, _mixed(form[::-1]))
    return form[:head] if head < len(form) - 1 else "", form[-tail:] if tail < len(form) - 1 else ""


def _mixed(form: str) -> int:
    """How many characters from the beginning hold a letter and a digit; all and more for a text without both."""
    letter = next((i for i, c in enumerate(form) if c.isalpha()), len(form))
    digit = next((i for i, c in enumerate(form) if c.isdigit()), len(form))
    return max(letter, digit) + 1


def _outermost(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Spans that overlap become one, with the secret of the widest."""
    found: list[tuple[int, int, str, int]] = []
    for start, end, secret in sorted(spans, key=lambda span: (span[0], -span[1])):
        if found and start < found[-1][1]:
            first, last, kept, width = found[-1]
            wider = end - start > width
            found[-1] = first, max(last, end), secret if wider else kept, max(width, end - start)
        else:
            found.append((start, end, secret, end - start))
    return [span[:3] for span in found]
