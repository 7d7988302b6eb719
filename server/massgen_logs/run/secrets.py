"""The secrets that stand in clear in an attempt's files, and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from massgen_logs import stop
from massgen_logs.attempt import Attempt
from massgen_logs.handles import kept_open, listing
from massgen_logs.readers.base import read_text
from massgen_logs.run.model import Run, Secret, Secrets

MOST_BYTES = 2 * 1024 * 1024
"""Of all files together, the smallest first: looking through them costs about 0.02 s a megabyte."""
_PLACES = 5
_MOST = 1000
"""Different secrets that are kept."""
_SKIPPED = (".zip", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".mp4", ".mp3", ".wav")


class Hit(Protocol):
    """One secret in a text."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> str: ...  # noqa: D102


def collect(
    run: Run, attempt: Attempt, find: Callable[[str], Sequence[Hit]], find_in: Callable[[Iterable[str]], Mapping[str, Sequence[Hit]]],
) -> Secrets:  # fmt: skip
    """Look through the files that MassGen wrote about the attempt (not through workspaces); `find` tells what of a text is a secret,
    `find_in` of many texts.

    Where files were too large, what the run took from them is looked through instead.
    """
    secrets, found, room = Secrets(), dict[str, Secret](), MOST_BYTES
    with kept_open():
        for size, name, changed, path in sorted(_files(attempt)):
            stop.check()
            if size > room:
                secrets.skipped.append(name)
                continue
            room -= size
            for line, hit in _in_file(path, changed, size, find):
                _add(found, hit, f"{name}:{line}")
    taken = list(_taken(run)) if secrets.skipped else []
    hits = find_in(text for text, _ in taken)
    for text, src in taken if hits else ():
        for hit in hits.get(text, ()):
            _add(found, hit, src)
    secrets.found = list(found.values())
    return secrets


@lru_cache(1024)
def _in_file(path: Path, _changed: int, _size: int, find: Callable[[str], Sequence[Hit]]) -> list[tuple[int, Hit]]:
    """Line and secret; of a file that has not changed they are known already, which a run that goes on needs most."""
    text = read_text(path).value
    hits = find(text)
    lines: dict[int, int] = {}
    line, at = 1, 0
    for start in sorted({hit.start for hit in hits}):  # each stretch is counted once, however many secrets there are
        line, at = line + text.count("\n", at, start), start
        lines[start] = line
    return [(lines[hit.start], hit) for hit in hits]


def _add(found: dict[str, Secret], hit: Hit, where: str) -> None:
    if hit.value not in found and len(found) >= _MOST:
        return
    secret = found.setdefault(hit.value, Secret(hit.kind, hit.value))
    if where not in secret.places:
        secret.count += 1
        if len(secret.places) < _PLACES:
            secret.places.append(where)


def _taken(run: Run) -> Iterator[tuple[str, str]]:
    """The texts of a run, and where each stands."""
    for call in run.calls:
        yield f"{call.command or ''}\n{json.dumps(call.args, ensure_ascii=False)}\n{call.error or ''}", call.src
    yield from ((answer.text or "", answer.src) for answer in run.answers)
    yield from ((vote.reason or "", vote.src) for vote in run.votes)
    yield from ((moment.detail, moment.src) for moment in run.moments)
    yield run.final_text or "", run.final_src


def _files(attempt: Attempt) -> Iterator[tuple[int, str, int, Path]]:
    """(bytes, name, time of the last change, path) of each file."""
    folders: list[tuple[str, ...]] = [(), ("agent_outputs",)]
    folders += [(agent, stamp) for agent, stamps in attempt.agent_folders().items() for stamp in stamps]
    folders += [("final", name) for name in attempt.folders("final")]
    for parts in folders:
        bases = [attempt.path.joinpath(*parts), *(attempt.elsewhere if not parts else ())]
        for base in bases:
            for name, info in listing(base):
                path = attempt.file(*parts, name)
                if path is not None and not name.lower().endswith(_SKIPPED):
                    yield info.st_size, "/".join([*parts, name]), info.st_mtime_ns, path
