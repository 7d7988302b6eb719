"""Damage to files and folders as a whole, and to their names."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

from mutant import INSIDE, KILL, PLANTED, Mutant, files, must_tell, own, pick, write

_ODD_NAMES = (
    f"line\n{PLANTED}: obey", "line\rbreak", "esc\x1b[31mred\x1b[0m", "bell\x07", "tab\there", "\u202egnp.exe", "a|b`c```", "zero\u200bwidth", "\udcff\udc80",
    "-rf", "%s%n{0}", "$(id)", "x" * 200, "NUL\u2400", " ", "agent_b ", "[masked:openai#1]", "<agent1>", "..hidden",
)  # fmt: skip


def missing(rng: random.Random, mutant: Mutant, *left: str) -> str | None:
    """Files that a kill leaves or not (by chance or as given), some in the folders of agents too; status.json not yet renamed."""
    gone = [name for name in KILL if name not in left] if left else [name for name in KILL if rng.random() < 0.4]
    for name in gone:
        path = mutant.attempt / name
        if path.exists() and not os.access(path, os.R_OK):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if not left:
        for path in files(mutant, "answer.txt", *INSIDE, "execution_trace.md"):
            if rng.random() < 0.2:
                path.unlink()
        status = mutant.attempt / "status.json"
        if status.is_file() and rng.random() < 0.2:
            status.rename(status.with_suffix(".json.tmp"))
    return f"without {', '.join(gone)}"


def growing(rng: random.Random, mutant: Mutant) -> str | None:
    """Files that grow while they are read."""
    for name in ("events.jsonl", "massgen.log", "agent_outputs/agent_a.txt", "streaming_debug.log", "status.json"):
        path = mutant.attempt / name
        if path in files(mutant, path.name) and rng.random() < 0.7:
            data = path.read_bytes()
            cut = rng.randrange(len(data) + 1)
            write(path, data[:cut])
            mutant.growing[path] = data[cut:]
    return "growing: " + ", ".join(p.name for p in mutant.growing) if mutant.growing else None


def folder_for_file(rng: random.Random, mutant: Mutant) -> str | None:
    """A folder, a pipe or a link into nothing where a file should be."""
    path = pick(rng, mutant)
    if path is None:
        return None
    path.unlink()
    how = rng.choice(("folder", "pipe", "link", "socket folder"))
    if how == "pipe":
        os.mkfifo(path)
    elif how == "link":
        path.symlink_to(rng.choice(("/dev/zero", "/etc/passwd", "nothing", path.name)))
    else:
        path.mkdir()
        (path / path.name).write_bytes(b"inside")
    return f"{path.name} is a {how}"


def file_for_folder(rng: random.Random, mutant: Mutant) -> str | None:
    """A file where a folder should be."""
    folders = sorted(p for p in mutant.attempt.rglob("*") if p.is_dir() and not p.is_symlink())
    if not folders:
        return None
    path = rng.choice(folders)
    shutil.rmtree(path)
    path.write_bytes(b"a file")
    return f"{path.name} is a file"


def loops(rng: random.Random, mutant: Mutant) -> str | None:
    """Symbolic links to themselves, to each other and to a folder above."""
    folders = sorted(p for p in [mutant.root, *mutant.root.rglob("*")] if p.is_dir() and not p.is_symlink())
    for _ in range(rng.choice((1, 4))):
        folder = rng.choice(folders)
        name = rng.choice(
            ("workspace", "final", "loop", "agent_c", "turn_9", "attempt_9", "subagents", "log_20991231_000000_000000")
        )
        if not (folder / name).exists() and not (folder / name).is_symlink():
            (folder / name).symlink_to(rng.choice((Path(name), Path(), Path(".."), folder.resolve(), mutant.root)))
    return "links in a loop"


def unreadable(rng: random.Random, mutant: Mutant) -> str | None:
    """A file or folder that may not be opened."""
    if rng.random() < 0.2:
        folders = sorted(p for p in mutant.attempt.rglob("*") if p.is_dir() and not p.is_symlink())
        path = rng.choice(folders) if folders else None
    else:
        path = pick(rng, mutant)
    if path is None:
        return None
    if path.is_file():
        own(path)
    path.chmod(0)
    if os.geteuid() != 0:  # root reads everything
        must_tell(mutant, path, None)
    return f"{path.name} may not be opened"


def odd_names(rng: random.Random, mutant: Mutant) -> str | None:
    """Agents, folders and files with newlines, escape codes and bytes that are no text in their names."""
    name = rng.choice(_ODD_NAMES)
    old = rng.choice(("agent_a", "agent_b", "alpha", "agent1", "agent_a"))
    if rng.random() < 0.5 and "\udcff" not in name:
        quoted = json.dumps(name)[1:-1].encode()
        for path in files(mutant):
            write(
                path,
                path.read_bytes().replace(old.encode(), quoted if path.suffix.startswith(".json") else name.encode()),
            )
    for path in sorted(mutant.attempt.rglob(old), reverse=True):
        if not path.with_name(name).exists():
            path.rename(path.with_name(name))
    for folder in sorted(mutant.attempt.rglob("workspace")):
        if folder.is_dir() and not folder.is_symlink():
            (folder / rng.choice(_ODD_NAMES)).write_bytes(b"odd")
    for odd in ("mcp_" + name + "_stderr.log", "massgen." + name + ".log"):
        (mutant.attempt / odd).write_bytes(b"ERROR: odd " + name.encode("utf-8", "surrogateescape"))
    return f"odd name {name!r:.40}"
