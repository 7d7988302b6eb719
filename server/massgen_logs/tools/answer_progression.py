"""answer_progression: how the answers grew, and the full text of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from massgen_logs.errors import MassgenLogError
from massgen_logs.text import page
from massgen_logs.text.clean import Block, clean, cut, fence, flat, inline, unbroken
from massgen_logs.text.page import Page
from massgen_logs.text.table import counts
from massgen_logs.tools.base import Cursor, Result, Tool, require

if TYPE_CHECKING:
    from massgen_logs.analysis.progression import AnswerRow
    from massgen_logs.run.model import Run
    from massgen_logs.text.mask import Masker
    from massgen_logs.tree import Place

_HEAD = 90
_QUOTE = 160
_KEPT = 600


class AnswerText(Struct, frozen=True):
    """A stretch of one answer's text, secrets masked and invisible characters removed: `first` to `end` of `of` characters."""

    label: str
    agent: str | None
    t: float | None
    round: int | None
    chars: int
    first: int
    end: int
    of: int
    text: str
    where: str


def answer_progression(
    run: Run,
    place: Place,
    label: Annotated[str | None, 'an answer\'s label, or "final": its full text instead of the list'] = None,
    limit: Annotated[int | None, "answers a page; with label: characters a page"] = None,
    cursor: Cursor = None,
) -> Result:
    """Follow the answers: which answers each author had seen, what changed against its own last one, what it took over
    from others, files, duplicates, and the final answer against the winning one (the winner's last). With label: the full
    text of that answer, page by page.

    Args:
        run: the run.
        place: where it is.
        label: see above.
        limit: see above.
        cursor: of the page before.
    """
    from massgen_logs.analysis.progression import answer_progression as analyse
    from massgen_logs.run import answer_files
    from massgen_logs.tools.masking import masker_of

    masker = masker_of(run)
    if label is not None:
        return _text(run, label, limit, cursor, masker)
    found = analyse(run, answer_files.collect(place.attempt, run.answers), lambda text: _safe(text, masker))
    rows = [_short(row) for row in found.answers]
    shown, where = page.take(rows, cursor, limit, 30, lambda row: len(_line(to_builtins(row))), used=700)
    following = ("answer_progression(label=LABEL)", 'answer_progression(label="final")', "vote_reasons")
    return Result(replace(found, answers=shown), where, following, masker=masker)


def _short(row: AnswerRow) -> AnswerRow:
    """The row with its quotes cut; their secrets are masked already."""
    taken = row.taken_over
    if taken is not None and taken.longest is not None:
        taken = replace(taken, longest=cut(taken.longest, _KEPT))
    return replace(row, head=cut(row.head, _KEPT), taken_over=taken)


def _text(run: Run, label: str, limit: int | None, cursor: str | None, masker: Masker) -> Result:
    answers = {a.label: a for a in run.answers if a.label}
    require("label", label, [*answers, *(["final"] if run.final_text is not None else [])], "answer")
    page.check_limit(limit)
    if label == "final":
        agent, t, round_, text, where = run.winner, None, None, run.final_text, run.final_src
    else:
        answer = answers[label]
        agent, t, round_, text, where = answer.agent, run.since_start(answer.t), answer.round, answer.text, answer.src
    if text is None:
        raise MassgenLogError(f"No file holds the text of {label}. Next: read_trace(agent={agent!r}, kind='answer').")
    whole = _safe(text, masker)
    first, changed = page.start(cursor, len(whole), lambda index: page.checksum([whole[:index]]))
    most = page.DEFAULT_CHARS if limit is None else min(limit, page.MAX_CHARS)
    end = _end(whole, first, min(len(whole), first + most))
    data = AnswerText(label, agent, t, round_, len(text), first, end, len(whole), whole[first:end], where)
    following = f"{end}-{page.checksum([whole[:end]])}" if end < len(whole) else None
    return Result(data, Page(end - first, len(whole), following, first, changed), masker=masker)


def _safe(text: str, masker: Masker) -> str:
    """Masked before and after invisible characters go: these may stand around a secret, or inside it."""
    return masker.text(clean(masker.text(text)))


def _end(whole: str, first: int, end: int) -> int:
    """Where the page ends: never so that masking the piece alone would change it, as in the middle of a mark."""
    from massgen_logs.text.mask import Masker

    while end > first + 1 and Masker().text(whole[first:end]) != whole[first:end]:
        end -= max(1, (end - first) // 16)
    return end


def render(data: Any) -> list[str]:
    """The final answer first, then a few lines an answer; or the text of one answer."""
    if "text" in data:
        return _page(data)
    from massgen_logs.analysis.overlap import RUN
    from massgen_logs.analysis.progression import SIMILAR, WORDS

    lines = [f"answers: {counts(data['by_agent'])} · change: {counts(data['changes'])}", _final(data["final"])]
    lines.append(
        f"change: cosmetic = similarity (fuzz.ratio, 0..1) {SIMILAR} or more, same numbers, at most {WORDS} words added or dropped, no "
        f"file added or changed; took over = stretches of {RUN} or more words. Quotes are the agents' words:"
    )
    return lines + [_line(row) for row in data["answers"]]


def _page(data: dict[str, Any]) -> list[str]:
    when = "" if data["t"] is None else f" t={data['t']:.1f}"
    round_ = "" if data["round"] is None else f" round {data['round']}"
    stored = (
        "" if data["chars"] == data["of"] else f" ({data['chars']} as stored: masked or invisible characters differ)"
    )
    first = data["first"] + 1 if data["of"] else 0
    head = f"{data['label']} by {data['agent'] or '?'}{when}{round_}, characters {first} to {data['end']} of {data['of']}{stored}"
    return [fence(data["text"], f"{head} [{data['where']}]")]


def _final(final: dict[str, Any] | None) -> str:
    if final is None:
        return "final answer: none recorded"
    line = f"final answer: {final['chars']} chars by {final['agent'] or '?'} [{final['where']}]"
    if final["similarity"] is None:
        return line + " · the winning answer's text is not known: not compared"
    line += f" · winning answer {final['winning']}: {final['winning_chars']} chars, "
    if final["identical"]:
        return line + "identical"
    line += f"similarity {final['similarity']}"
    if final["kept"] is not None:
        line += f", {final['kept']:.0%} of its words stand in the final one in stretches of 3 or more"
    if final["unrelated"]:
        line += f": they share almost nothing ({final['common']:.0%} of its telling words are there at all, {final['common_back']:.0%} of the final one's in it)"
    if final["closest"] not in {None, final["winning"]}:
        line += f" · closest answer: {final['closest']} {final['closest_similarity']}"
    return line


def _line(row: dict[str, Any]) -> Block:
    when = "" if row["t"] is None else f" t={row['t']:.1f}"
    round_ = "" if row["round"] is None else f" round {row['round']}"
    chars = "text not recorded" if row["chars"] is None else f"{row['chars']} chars"
    own = "" if row["own_similarity"] is None else f", similarity {row['own_similarity']} to own {row['own_last']}"
    why = f" ({row['why']})" if row["change"] in {"substantive", "unknown"} else ""
    parts = [f"- {row['label'] or '?'} {row['agent']}{when}{round_} · {chars} · {row['change']}{why}{own}"]
    parts.append(f"  saw {_seen(row)}")
    taken = row["taken_over"]
    if taken is not None and taken["words"]:
        line = f"  took over {taken['share']:.0%} ({taken['words']} of {taken['of']} words)"
        if taken["longest"]:
            line += f", longest from {taken['source']}: {inline(taken['longest'], _QUOTE)}"
        parts.append(line)
    if row["duplicates"]:
        parts.append(f"  IDENTICAL to {', '.join(row['duplicates'])}")
    if row["files"] is not None and (row["files"]["total"] or row["files"]["counts"]["removed"]):
        parts.append(f"  files {_files(row['files'])}")
    if row["head"]:
        parts.append(f"  begins {inline(row['head'], _HEAD)}")
    return Block("\n".join(unbroken(parts)))


def _seen(row: dict[str, Any]) -> str:
    if row["seen"] is None:
        return "unknown: no start of its author is recorded before it"
    found = [
        f"{s['label']}{' (own)' if s['agent'] == row['agent'] else ''} {'-' if s['similarity'] is None else s['similarity']}"
        + ("" if s["how"] == "context" else f" by {s['how']}")
        for s in row["seen"]
    ]
    line = ", ".join(found[:12]) or "no answer"
    line += f', {len(found) - 12} more: part="answers"' if len(found) > 12 else ""
    return line + (f"; {row['unnamed']} injected update(s) whose source is not recorded" if row["unnamed"] else "")


def _files(files: dict[str, Any]) -> str:
    parts = [f"{files['total']} ({files['bytes']} bytes)"]
    for kind in ("added", "changed", "removed", "unchanged"):
        total = files["counts"][kind]
        if total:
            names = [f'"{flat(name.replace(chr(34), chr(39)), 60)}"' for name in files["names"][kind][:5]]
            more = f" and {total - len(names)} more" if total > len(names) else ""
            parts.append(f"{kind} {total}: {', '.join(names)}{more}")
    if files["by_size"]:
        parts.append(f"{files['by_size']} over 1 MB compared by size alone")
    if files["cut"]:
        parts.append("too many to list: added and removed are not sure")
    return " · ".join(parts)


TOOL = Tool(
    "answer_progression", "How the answers grew", answer_progression, render, needs="place",
    notes=frozenset({"not_delivered", "winner_disagreement"}),
)  # fmt: skip
