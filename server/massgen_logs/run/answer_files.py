"""The files that an agent had in its workspace when it answered, and which of them its answer before did not have.

Source: AGENT/STAMP/workspace beside answer.txt (all versions; only written when the workspace was not empty), without what
MassGen or a client put there (tree.Attempt.workspace_files). MassGen empties the workspace when an agent answers, so a file
that is gone may have been cleared away by MassGen and not by the agent. Links are never followed.
"""

from __future__ import annotations

import os

from msgspec import Struct, field

from massgen_logs.attempt import Attempt
from massgen_logs.handles import open_file
from massgen_logs.run.model import Answer

BYTES_COMPARED = 1_000_000
"""Files up to this many bytes are compared by content, larger ones by size alone."""


class AnswerFiles(Struct):
    """The workspace copy of one answer against the one of its agent's answer before (of the first: against nothing).

    sizes: relative path to bytes. by_size: files called unchanged by their size alone. cut: the copy has more entries
    than are listed, so that `added` and `removed` may be wrong. src: the folder, relative to the attempt.
    """

    src: str
    sizes: dict[str, int]
    cut: bool
    added: list[str] = field(default_factory=list[str])
    changed: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    unchanged: list[str] = field(default_factory=list[str])
    by_size: list[str] = field(default_factory=list[str])


def collect(attempt: Attempt, answers: list[Answer]) -> list[AnswerFiles | None]:
    """File facts of each answer, in the order of `answers`; None where no folder of the answer is known."""
    found: list[AnswerFiles | None] = [None] * len(answers)
    for agent in attempt.agent_folders():
        own = sorted((i for i, a in enumerate(answers) if a.agent == agent), key=lambda i: answers[i].t or 0.0)
        before: AnswerFiles | None = None
        for index in own:
            folder = answers[index].folder
            if folder is None:
                break  # what the next answer adds to this one can't be told
            before = found[index] = _files(attempt, agent, folder.rpartition("/")[2], before)
    return found


def _files(attempt: Attempt, agent: str, stamp: str, before: AnswerFiles | None) -> AnswerFiles:
    there = "workspace" in attempt.folders(agent, stamp)  # a real folder: a link is never entered
    files, cut = attempt.workspace_files(agent, stamp, "workspace") if there else ([], False)
    made = AnswerFiles(f"{agent}/{stamp}/workspace", dict(sorted(files)), cut)
    old = before.sizes if before else {}
    for name, size in made.sizes.items():
        if before is None or name not in old:
            made.added.append(name)
            continue
        same = size == old[name]
        if same and size <= BYTES_COMPARED:
            same = _content(attempt, made.src, name) == _content(attempt, before.src, name)
        elif same:
            made.by_size.append(name)
        (made.unchanged if same else made.changed).append(name)
    made.removed = [name for name in old if name not in made.sizes]
    return made


def _content(attempt: Attempt, folder: str, name: str) -> bytes | None:
    path = attempt.file(*folder.split("/"), *name.split("/"))
    if path is None:
        return None
    try:
        with os.fdopen(open_file(path), "rb") as file:
            return file.read(BYTES_COMPARED + 1)
    except OSError:
        return None
