"""What a tool is, and the one way in which it is called: find the run, compute, mask, frame.

A tool's module imports what reads and computes only where it is called: a server that starts, and a help text, need none
of it.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.text.clean import clean, encodable, flat, unbroken
from massgen_logs.text.page import EVERYTHING, Page
from massgen_logs.text.table import apart

if TYPE_CHECKING:
    from massgen_logs.run.model import Note, Problem, Run, Source
    from massgen_logs.text.mask import Masked, Masker

Log = Annotated[str, "latest, a name, a unique prefix, or a path inside it"]
TurnArg = Annotated["int | None", "default: the last"]
AttemptArg = Annotated["int | None", "default: the last"]
LogsDir = Annotated["str | None", "folder of the log_* folders; default: found by itself"]
Cursor = Annotated["str | None", "next_cursor of the page before"]
Limit = Annotated["int | None", "rows a page"]
Part = Annotated["str | None", "only this list of the answer, rows whole"]


Tell = Callable[[float, float, str], None]
"""Takes how a long call goes: seconds waited, seconds at most, and a line for people, masked by its writer."""


class Result(Struct):
    """What a tool's function returns: data (a struct), its page if it is a list, and what to ask next."""

    data: Any
    page: Page | None = None
    next: tuple[str, ...] = ()
    sources: list[Source] | None = None
    problems: list[Problem] = field(default_factory=list["Problem"])
    """What its own reading found, besides the problems of the run."""
    masker: Masker | None = None
    """For a function that must cut a text: it masks before it cuts, so that no cut can halve a secret."""


class Tool(Struct, frozen=True):
    """One tool. needs: what its function takes first: a Run, a (Run, Place), the log root, or live: the log root as the caller
    gave it and a Tell or None.

    render gets the masked data as plain dicts and lists and gives the lines of the answer. notes: ids of the run's
    notes that concern it; None for all of them.
    """

    name: str
    title: str
    function: Callable[..., Result]
    render: Callable[[Any], list[str]]
    needs: Literal["run", "place", "root", "live"] = "run"
    notes: frozenset[str] | None = frozenset()
    writes: bool = False
    orders: bool = False
    """Whether it tells of texts that give orders to their reader: what it is given has looked for them."""
    parts: bool = True
    """Whether a caller may ask for one list of the answer alone."""
    details: Callable[[], str] | None = None
    """A longer text for the command line's help alone."""

    @property
    def description(self) -> str:
        """The function's docstring up to its Args section: what agents and people read."""
        return inspect.cleandoc(self.function.__doc__ or "").split("\n\nArgs:")[0]

    def parameters(self) -> dict[str, inspect.Parameter]:
        """The arguments that a caller may give, the common ones first."""
        own = list(inspect.signature(self.function).parameters.values())[
            {"run": 1, "place": 2, "root": 1, "live": 2}[self.needs] :
        ]
        # what a function takes first is of types that are not imported before it is called: these are not looked up
        own = [p.replace(annotation=eval(p.annotation, self.function.__globals__)) for p in own]
        common: list[tuple[str, object, object]] = [("logs_dir", LogsDir, None)]
        if self.parts:
            paged = {p.name for p in own}
            common.append(("part", Part, None))
            common += [entry for entry in (("limit", Limit, None), ("cursor", Cursor, None)) if entry[0] not in paged]
        if self.needs not in {"root", "live"}:
            common = [("log", Log, "latest"), ("turn", TurnArg, None), ("attempt", AttemptArg, None), *common]
        made = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, kind, default in common
        ]
        own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        first = [p for p in own if p.default is inspect.Parameter.empty]
        return {p.name: p for p in [*first, *[p for p in own if p not in first], *made]}


class Answer(Struct):
    """A finished answer, masked: `json()` for programs, `text()` for agents and people. Nothing else leaves, and both
    pass the masker: the fields when the answer is made, the text once more when it is rendered."""

    tool: Tool
    scope: dict[str, object]
    data: Any
    page: Page | None
    sources: list[dict[str, object]]
    missing: list[str]
    notes: list[dict[str, str]]
    next: tuple[str, ...]
    masker: Masker
    attempts: int = 1
    problems: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def json(self) -> dict[str, object]:
        """The typed result, as the README describes it."""
        page = self.page and {
            "shown": self.page.shown, "total": self.page.total, "next_cursor": self.page.next_cursor,
            "changed": self.page.changed,
        }  # fmt: skip
        told: dict[str, object] = {
            "tool": self.tool.name, "scope": self.scope, "data": self.data, "page": page, "sources": self.sources,
            "missing": self.missing, "notes": self.notes, "problems": self.problems, "masked_secrets": self.masker.count,
            "masked": [to_builtins(one) for one in self.masker.masked()], "next": list(self.next),
        }  # fmt: skip
        return cast("dict[str, object]", encodable(told))

    def dumps(self) -> bytes:
        """`json()` as indented JSON."""
        import orjson  # here: an answer to an agent never needs it

        return orjson.dumps(self.json(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)

    def text(self) -> Masked:
        """Compact Markdown: scope line, body, what was cut, notes, sources, next."""
        from massgen_logs.text.mask import Masked

        lines = [self._head(), *apart(unbroken(self.tool.render(self.data)))]
        if self.page is not None:
            lines.append(self._page_line(self.page))
        lines += [f"note: {flat(note['text'], 400)}" for note in self.notes if self.tool.notes is not None]
        body = self.masker.text(clean("\n".join(lines)))  # also names of agents and files are log text
        return Masked("\n".join([body, *map(self.masker.text, unbroken(map(clean, self._foot())))]))

    def _head(self) -> str:
        scope = self.scope
        parts = [self.tool.name]
        if scope.get("session"):
            parts += [str(scope["session"]), f"turn {scope['turn']}", f"attempt {scope['attempt']} of {self.attempts}"]
            parts.append(f"MassGen {scope['massgen_version'] or scope.get('massgen_version_range')}")
            parts.append(_STATES.get(str(scope["state"]), str(scope["state"])))
        return " · ".join(parts)

    def _page_line(self, page: Page) -> str:
        line = f"shown {page.shown} of {page.total}" + (f" (from {page.first + 1})" if page.first else "")
        line += f' · next page: cursor="{page.next_cursor}"' if page.next_cursor else ""
        return line + (_CHANGED if page.changed else "")

    def _foot(self) -> list[str]:
        lines: list[str] = []
        if self.sources:
            names = [
                flat(s["file"]) + (f" ({s['unreadable']} unreadable)" if s["unreadable"] else "") for s in self.sources
            ]
            shown = names[:9] + ([self._more(len(names) - 9, "sources")] if len(names) > 9 else [])
            line = "sources: " + ", ".join(shown)
            lines.append(line + (f" · missing: {', '.join(self.missing)}" if self.missing else ""))
        if self.problems and self.sources:
            lines += [
                f"unreadable: {flat(p['file'])}:{p['line'] or '-'} {flat(p['what'], 120)}" for p in self.problems[:3]
            ]
            lines += [f"unreadable: {self._more(len(self.problems) - 3, 'problems')}"] if len(self.problems) > 3 else []
        if self.masker.count:
            lines.append(self._masked_line())
        if self.next:
            lines.append("next: " + ", ".join(self.next))
        return lines

    def _more(self, count: int, part: str) -> str:
        return f'{count} more: part="{part}"' if self.tool.parts else f"{count} more"

    def _masked_line(self) -> str:
        masked = self.masker.masked()
        kinds = ", ".join(f"{kind} {n}" for kind, n in Counter(one.kind for one in masked).items())
        places = list(dict.fromkeys(place for one in masked for place in (one.places or [one.field])[:1] if place))
        more = f", {self._more(len(places) - 3, 'masked')}" if len(places) > 3 else ""
        where = f"; in {', '.join(flat(place, 90) for place in places[:3])}{more}" if places else ""
        return f"{len(masked)} secret{'' if len(masked) == 1 else 's'} masked ({kinds}{where})"


_CHANGED = " · CHANGED since the page before: rows may be missing or told twice; leave cursor out to start anew"
_STATES = {
    "timed_out": "timed out",
    "unfinished": "unfinished: no end was recorded, figures are floors",
    "in_progress": "in progress: figures are floors",
    "failed": "failed",
}


def call(tool: Tool, arguments: dict[str, Any], tell: Tell | None = None) -> Answer:
    """Call a tool with the caller's arguments.

    Args:
        tool: which.
        arguments: those that the caller gave.
        tell: told how a call goes that waits; None: nobody wants to know.

    Raises:
        MassgenLogError: for anything that the caller can mend; its text is masked too.
    """
    from massgen_logs.tools.masking import masker_of

    runs: list[Run] = []
    try:
        return _part(tool, dict(arguments), runs, tell)
    except MassgenLogError as error:  # it may name what the log names
        raise MassgenLogError(masker_of(*runs).text(clean(str(error)))) from error


def _part(tool: Tool, arguments: dict[str, Any], runs: list[Run], tell: Tell | None) -> Answer:
    """The answer, or only the one of its lists that `part` names."""
    own = inspect.signature(tool.function).parameters
    part = arguments.pop("part", None)
    paging = {name: arguments.pop(name, None) for name in ("limit", "cursor") if part is not None or name not in own}
    if part is None:
        if any(value is not None for value in paging.values()):
            raise MassgenLogError(f"limit and cursor of {tool.name} page one of its lists: give its name as part.")
        return _call(tool, arguments, runs, tell)
    from massgen_logs.tools import parts

    answer = _call(tool, arguments | ({"limit": EVERYTHING} if "limit" in own else {}), runs, tell)
    rows, page = parts.page_of(answer.json(), str(part), paging["cursor"], paging["limit"])
    data: dict[str, object] = {"part": part, "rows": rows}
    return replace(answer, tool=replace(tool, render=parts.render), data=data, page=page, next=())


def _call(tool: Tool, arguments: dict[str, Any], runs: list[Run], tell: Tell | None) -> Answer:
    from massgen_logs.tools.masking import load
    from massgen_logs.tree import find_root, resolve

    logs_dir = arguments.pop("logs_dir", None)
    if tool.needs == "live":
        return _answer(tool, tool.function(logs_dir, tell, **arguments), None)
    if tool.needs == "root":
        named = arguments.get("logs") or str(arguments.get("log") or "").split(",")
        result = tool.function(find_root(logs_dir, named[0] or None), **arguments)
        return _answer(tool, result, None)
    log, turn, attempt = (arguments.pop(name, None) for name in ("log", "turn", "attempt"))
    place = resolve(find_root(logs_dir, log), log, turn, attempt)
    run = load(place, orders=tool.orders)
    runs.append(run)
    first = (run, place) if tool.needs == "place" else (run,)
    return _answer(tool, tool.function(*first, **arguments), run)


def _answer(tool: Tool, result: Result, run: Run | None) -> Answer:
    """The one way out: whatever an answer has is masked here, at once, so that a secret is known in all of it."""
    from massgen_logs.tools.masking import masker_of

    scope: dict[str, object] = {name: None for name in ("session", "turn", "attempt", "massgen_version", "state")}  # noqa: C420 (typed)
    notes: list[Note] = []
    if run is not None:
        scope = {
            "session": run.session, "turn": run.turn, "attempt": run.attempt, "massgen_version": run.version,
            "massgen_version_range": run.version_range, "state": run.ending.state, "path": run.path,
        }  # fmt: skip
        notes = [note for note in run.notes if tool.notes is None or note.id in tool.notes]
    problems: list[Problem] = list(dict.fromkeys([*(run.problems if run else []), *result.problems]))
    sources = result.sources if result.sources is not None else run.sources if run else []
    masker = result.masker or masker_of(*([run] if run else []))
    out: Any = masker.value({
        "data": result.data,
        "scope": scope,
        "sources": [{"file": s.file, "rows": s.rows, "unreadable": s.unreadable} for s in sources],
        "missing": run.missing if run else [],
        "notes": [{"id": n.id, "text": n.text, "evidence": n.evidence} for n in notes],
        "next": list(result.next),
        "problems": [{"file": p.file, "line": p.line, "what": p.what} for p in problems],
    })  # fmt: skip
    return Answer(
        tool, out["scope"], out["data"], result.page, out["sources"], out["missing"], out["notes"], tuple(out["next"]), masker,
        run.attempts if run else 1, out["problems"],
    )  # fmt: skip


def require(name: str, value: str, existing: list[str], what: str) -> None:
    """Refuse an unknown name, naming what exists.

    Raises:
        MassgenLogError: if `value` is not in `existing`.
    """
    if value not in existing:
        raise MassgenLogError(f"{name}={quoted(value)}: no such {what}; there are: {', '.join(existing) or 'none'}.")
