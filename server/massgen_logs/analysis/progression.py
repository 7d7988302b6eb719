"""answer_progression: how the answers grew, what each took over from others, and what became of the winning one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct

from massgen_logs.analysis.overlap import RUN, Overlap, covered, final_overlap, grams
from massgen_logs.analysis.overlap import words as words_of
from massgen_logs.analysis.voting import count
from massgen_logs.run.answer_files import AnswerFiles
from massgen_logs.run.model import Answer, Execution, Run

SIMILAR = 0.95
"""Similarity from which on a change may be cosmetic. In the sample runs every own later answer that says something new
lies between 0.36 and 0.82, the copy with one inserted word that MassGen's novelty check refused (s3) at 0.96."""
WORDS = 12
"""Words added or dropped up to which a change may be cosmetic: a short sentence. Keeps a paragraph that is added to a long
text, where the similarity hardly moves, from passing as cosmetic."""
LONG = 100_000
"""Characters above which texts are compared word by word instead of character by character."""
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_SOURCES = re.compile(r"(?:answers of|answer\(s\) from:) (.+)")


class Seen(Struct, frozen=True):
    """An answer that the author had before it. how: context or injection; "source deduced": no file names whose answer it
    was, and only one other agent had answered; "delivery doubtful": this backend records injections that never arrive."""

    label: str
    agent: str
    how: str
    similarity: float | None


class Taken(Struct, frozen=True):
    """What an answer has word for word from seen answers of others, and neither from its author's own earlier ones nor
    from the question: share of its `of` words in stretches of 3 or more, and the longest such stretch, of `longest_words`.
    """

    share: float
    words: int
    of: int
    longest: str | None
    longest_words: int
    source: str | None


class Files(Struct, frozen=True):
    """Files of the answer's workspace copy against its author's answer before: `counts` of added, changed, removed and
    unchanged ones, the first 12 `names` of each; bytes: of all files now; by_size: compared by size alone.
    """

    total: int
    bytes: int
    counts: dict[str, int]
    names: dict[str, list[str]]
    by_size: int
    cut: bool
    where: str


class AnswerRow(Struct, frozen=True):
    """One answer; t in seconds from the start, chars as stored, similarities 0..1.

    change: first, substantive, cosmetic, identical or unknown, with `why`. seen: None where no start of its author is
    recorded before it. unnamed: injections into its author whose source isn't recorded. files: None if not known.
    """

    label: str | None
    agent: str
    t: float | None
    round: int | None
    chars: int | None
    change: str
    why: str
    own_last: str | None
    own_similarity: float | None
    words_changed: int | None
    seen: list[Seen] | None
    unnamed: int
    taken_over: Taken | None
    duplicates: list[str]
    files: Files | None
    head: str
    where: str


class FinalRow(Struct, frozen=True):
    """The final answer against the winning one (the winner's last). kept: share of the winning answer's words that stand
    in stretches in common with it; common: share of its different words (4 or more characters, or with a digit) that stand
    anywhere in it; common_back: the same share of the final one's in the winning one; unrelated: see overlap.COMMON; None
    where one of the two is too short to tell.
    closest: the answer that is most similar to the final one.
    """

    agent: str | None
    chars: int
    winning: str | None
    winning_chars: int | None
    similarity: float | None
    identical: bool | None
    kept: float | None
    common: float | None
    common_back: float | None
    unrelated: bool | None
    closest: str | None
    closest_similarity: float | None
    where: str


class Progression(Struct, frozen=True):
    """Answers by time; by_agent and changes count all of them. final is None if the run holds no final answer."""

    answers: list[AnswerRow]
    by_agent: dict[str, int]
    changes: dict[str, int]
    final: FinalRow | None


def answer_progression(
    run: Run, files: Sequence[AnswerFiles | None], mask: Callable[[str], str] = str,
) -> Progression:  # fmt: skip
    """All answers by time.

    Args:
        run: the run.
        files: file facts of each of run.answers, as run.answer_files gives them.
        mask: applied to every text before it is compared or quoted, so that no quote can halve a secret.
    """
    texts = [None if a.text is None else mask(a.text) for a in run.answers]
    rows = [_row(run, index, texts, _files(files[index])) for index in range(len(run.answers))]
    return Progression(
        rows, count([row.agent for row in rows]), count([row.change for row in rows]), _final(run, texts, mask)
    )


def similarity(one: str, two: str) -> float:
    """How alike: rapidfuzz fuzz.ratio / 100 of both texts with runs of white space as one blank: 2 x common characters in order by
    all characters. Above 100,000 characters the same by words. 1.0 only for equal texts.
    """
    from rapidfuzz import fuzz  # here, because a call that compares nothing must not pay for it
    from rapidfuzz.distance import Indel

    one, two = _flat(one), _flat(two)
    if one == two:
        return 1.0
    if max(len(one), len(two)) > LONG:
        value = Indel.normalized_similarity(one.split(), two.split())
    else:
        value = fuzz.ratio(one, two) / 100
    return min(round(value, 3), 0.999)


def taken_over(text: str, others: dict[str, str], known: list[str]) -> Taken:
    """What `text` has from `others` (label to text) that is not in `known`."""
    words, spans = words_of(text)
    sources = {label: words_of(other)[0] for label, other in others.items()}
    old = grams(words_of(other)[0] for other in known)
    taken = covered(words, grams(sources.values()) - old)
    best, start, source = 0, 0, None
    for label, other in sources.items():
        length, at = _longest(words, other, old)
        if length > best:
            best, start, source = length, at, label
    quote = text[spans[start][0] : spans[start + best - 1][1]] if best else None
    share = round(taken / len(words), 3) if words else 0.0
    return Taken(share, taken, len(words), quote, best, source)


def _row(run: Run, index: int, texts: list[str | None], files: Files | None) -> AnswerRow:
    answer, text = run.answers[index], texts[index]
    earlier = [i for i in range(index) if run.answers[i].agent == answer.agent]
    last = earlier[-1] if earlier else None
    last_text = None if last is None else texts[last]
    own = similarity(text, last_text) if text is not None and last_text is not None else None
    moved = _words_changed(text, last_text) if text is not None and last_text is not None else None
    change, why = _change(last is None, text, last_text, own, moved, files)
    known = {a.label: i for i, a in enumerate(run.answers) if a.label}
    found, unnamed = seen_before(run, answer)
    seen: list[Seen] | None = None
    if found is not None:
        seen = [
            Seen(label, run.answers[known[label]].agent, how, _maybe(text, texts[known[label]]))
            for label, how in found.items()
            if label in known
        ]
    taken: Taken | None = None
    if text is not None and seen is not None:
        others = {s.label: texts[known[s.label]] or "" for s in seen if s.agent != answer.agent}
        taken = taken_over(text, others, [*(texts[i] or "" for i in earlier), run.question or ""])
    same = [
        a.label or a.agent
        for i, a in enumerate(run.answers)
        if i != index and text and _flat(text) == _flat(texts[i] or "")
    ]
    return AnswerRow(
        answer.label, answer.agent, run.since_start(answer.t), answer.round,
        None if answer.text is None else len(answer.text), change, why,
        None if last is None else run.answers[last].label, own, moved, seen, unnamed, taken, same, files, text or "", answer.src,
    )  # fmt: skip


def _change(
    first: bool, text: str | None, last: str | None, own: float | None, moved: int | None, files: Files | None,
) -> tuple[str, str]:  # fmt: skip
    if first:
        return "first", "no earlier answer of its author"
    if text is None or last is None or own is None or moved is None:
        return "unknown", "a text is missing"
    touched = files.counts["added"] + files.counts["changed"] if files else 0
    if touched:
        return "substantive", f"{touched} files added or changed"
    if own == 1.0:
        return "identical", "same text, no file added or changed"
    if own < SIMILAR:
        return "substantive", f"similarity under {SIMILAR}"
    if Counter(_NUMBER.findall(text)) != Counter(_NUMBER.findall(last)):
        return "substantive", "other numbers"
    if moved > WORDS:
        return "substantive", f"{moved} words added or dropped, more than {WORDS}"
    return "cosmetic", f"similarity {SIMILAR} or more, same numbers, at most {WORDS} words added or dropped, same files"


def seen_before(run: Run, answer: Answer) -> tuple[dict[str, str] | None, int]:
    """Label to how it came, and the number of injections without a named source; None if the start isn't recorded."""
    start = _execution(run, answer)
    if start is None:
        return None, 0
    found = dict.fromkeys(start.context, "context")
    doubtful = any(n.id == "not_delivered" and n.agent == answer.agent for n in run.notes)
    unnamed = 0
    for moment in run.moments:
        t = moment.t
        if moment.kind != "injection" or moment.agent != answer.agent or t is None or answer.t is None:
            continue
        if not (start.t or 0.0) <= t <= answer.t:
            continue
        match = _SOURCES.search(moment.detail)
        agents = [name for name in match[1].split(", ") if name in run.agents] if match else []
        # the text of such an update, up to 0.1.32, stood in no request of eleven runs that were watched at their model
        how = (
            "injection (delivery doubtful)" if doubtful or moment.detail.startswith("Received update") else "injection"
        )
        way = how
        if not agents:  # an injection holds new answers of others
            others = {a.agent for a in run.answers if a.agent != answer.agent and a.t is not None and a.t <= t}
            agents = list(others) if len(others) == 1 else []
            way = how.replace("injection", "injection, source deduced")
            unnamed += not agents
        for name in agents:
            labels = [a.label for a in run.answers if a.agent == name and a.t is not None and a.t <= t and a.label]
            if labels:
                found.setdefault(labels[-1], way)
    return found, unnamed


def _execution(run: Run, answer: Answer) -> Execution | None:
    """The start of its author that the answer came from: the last before it that doesn't know it yet."""
    if answer.t is None:
        return None
    own = [e for e in run.executions if e.agent == answer.agent and e.t is not None and e.t <= answer.t]
    own = [e for e in own if answer.label not in e.context]
    return own[-1] if own else None


def _files(found: AnswerFiles | None) -> Files | None:
    if found is None:
        return None
    kinds = {"added": found.added, "changed": found.changed, "removed": found.removed, "unchanged": found.unchanged}
    return Files(
        len(found.sizes), sum(found.sizes.values()), {kind: len(names) for kind, names in kinds.items()},
        kinds, len(found.by_size), found.cut, found.src,
    )  # fmt: skip


def _final(run: Run, texts: list[str | None], mask: Callable[[str], str]) -> FinalRow | None:
    if run.final_text is None:
        return None
    final = mask(run.final_text)
    own = [i for i, a in enumerate(run.answers) if a.agent == run.winner]
    winning = texts[own[-1]] if own else None
    label = run.answers[own[-1]].label if own else None
    stored = run.answers[own[-1]].text if own else None
    scores = [(similarity(final, t), a.label) for a, t in zip(run.answers, texts, strict=True) if t is not None]
    # Of equal ones the winning answer is named, then the first.
    closest = max(scores, key=lambda score: (score[0], score[1] == label), default=None)
    shared = Overlap(None, None, None, None) if winning is None else final_overlap(winning, final)
    return FinalRow(
        run.winner, len(run.final_text), label, None if stored is None else len(stored), _maybe(final, winning),
        None if winning is None else _flat(final) == _flat(winning), shared.kept, shared.common, shared.common_back,
        shared.unrelated,
        closest[1] if closest else None, closest[0] if closest else None, run.final_src,
    )  # fmt: skip


def _maybe(one: str | None, two: str | None) -> float | None:
    return None if one is None or two is None else similarity(one, two)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _longest(words: list[str], other: list[str], known: set[tuple[str, ...]]) -> tuple[int, int]:
    """Length and place in `words` of the longest stretch in common that holds no known gram; (0, 0) without one.

    A gram that stands in `other` more than 100 times is looked for at its first 100 places.
    """
    places: dict[tuple[str, ...], list[int]] = {}
    for j in range(len(other) - RUN + 1):
        gram = tuple(other[j : j + RUN])
        if gram not in known and len(spots := places.setdefault(gram, [])) < 100:
            spots.append(j)
    best, start = 0, 0
    runs: dict[int, int] = {}
    for i in range(len(words) - RUN + 1):
        runs = {j: runs.get(j - 1, 0) + 1 for j in places.get(tuple(words[i : i + RUN]), ())}
        for length in runs.values():
            if length > best:
                best, start = length, i - length + 1
    return (best + RUN - 1, start) if best else (0, 0)


def _words_changed(text: str, last: str) -> int:
    """Words added or dropped, whichever are more."""
    now, old = Counter(words_of(text)[0]), Counter(words_of(last)[0])
    return max((now - old).total(), (old - now).total())
