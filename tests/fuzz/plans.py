"""Which mutants are made: by chance, each kind, each field, each state that a kill may leave."""

from __future__ import annotations

import functools
import itertools
import random
from pathlib import Path

from documents import WRONG, documents, fields
from mutant import DOCUMENTS, INSIDE, KILL, Spec, attempts
from mutator import KINDS


def chance(count: int, samples: Path, seed: int = 0) -> list[Spec]:
    """Mutants by chance, small samples more often than large ones."""
    names = sorted(p.name for p in samples.iterdir() if (p / "truth.json").exists())
    sizes = [sum(f.stat().st_size for f in (samples / name).rglob("*") if f.is_file()) for name in names]
    rng = random.Random(seed)
    drawn = rng.choices(names, [1 / size for size in sizes], k=count)
    return [Spec(seed * 1_000_000 + number, name) for number, name in enumerate(drawn)]


def every_kind(samples: Path, seed: int = 0) -> list[Spec]:
    """Each kind once, on a small sample of a new version, and the kinds of logs on one of an old version."""
    return [
        Spec(seed, name, (kind,))
        for kind in sorted(KINDS)
        for name in ("s1_clean_0.1.97", "s5b_orch_timeout_one_answer_0.1.12")
    ]


@functools.cache
def schemas(samples: Path) -> dict[tuple[str, tuple[str, ...]], str]:
    """(file, field) of every field of every JSON document in the samples, with the smallest sample that has it."""
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    folders = sorted(
        (p for p in samples.iterdir() if (p / "truth.json").exists()),
        key=lambda p: (sum(f.stat().st_size for f in p.rglob("*") if f.is_file()), p.name),
    )
    for folder in folders:
        for attempt in attempts(folder):
            for path in sorted(attempt.rglob("*")):
                if (
                    path.name in (*DOCUMENTS, *INSIDE, "events.jsonl")
                    and "workspace" not in path.parts
                    and path.is_file()
                ):
                    for place in fields(documents(path), path.suffix):
                        found.setdefault((path.name, place), folder.name)
    return found


def every_field(samples: Path, types: int) -> list[Spec]:
    """A mutant for every field of every JSON document and `types` wrong types, and one with a line break in a text."""
    plan: list[Spec] = []
    for number, ((file, place), sample) in enumerate(sorted(schemas(samples).items())):
        others = sorted(set(WRONG) - {"line"})
        kinds = [others[(number + n) % len(others)] for n in range(types)]
        plan += [Spec(number, sample, ("wrong_type",), (file, place, kind)) for kind in ["line", *kinds]]
    return plan


def every_kill(sample: str = "s5b_orch_timeout_one_answer_0.1.97") -> list[Spec]:
    """Every combination of the files that a kill may leave."""
    sets = itertools.chain.from_iterable(itertools.combinations(KILL, n) for n in range(1, len(KILL)))
    return [Spec(number, sample, ("missing",), left) for number, left in enumerate(sets)]
