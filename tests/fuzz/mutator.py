"""Broken log trees made from a sample run: the same seed makes the same mutant.

`make(spec, sample, target)` copies the sample's log root by hard links and damages the copy by one or several of KINDS.
A kind is a function that changes the tree and says what it did; it never writes into a file that the sample shares.
`Mutant.told` names the files of which every answer must say that they could not be read whole: only those for which the
format proves it (a JSON document cut short, a file that may not be opened).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from damage_bytes import crlf, flip, lines, nul, sparse, truncate, utf8
from damage_json import deep, huge, lost_key, number, wrong_type
from damage_kinds import clocks, report, rotated, yaml
from damage_tree import file_for_folder, folder_for_file, growing, loops, missing, odd_names, unreadable
from mutant import Mutant, Spec, attempts, copy_tree

Kind = Callable[..., "str | None"]
KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        wrong_type, lost_key, number, deep, huge, truncate, flip, utf8, nul, crlf, lines, sparse, missing, growing, folder_for_file,
        file_for_folder, loops, unreadable, odd_names, clocks, rotated, yaml, report,
    )
}  # fmt: skip
_WEIGHTS = {
    "truncate": 4,
    "wrong_type": 2,
    "number": 2,
    "clocks": 2,
    "yaml": 2,
    "missing": 2,
    "sparse": 0.1,
    "huge": 0.7,
    "growing": 0.5,
}


def make(spec: Spec, sample: Path, target: Path) -> Mutant:
    """Make the mutant of a spec from the log root of its sample; `target` must not exist and lie on the same file system."""
    rng = random.Random(f"{spec.seed} {spec.sample} {spec.kinds} {spec.detail}")
    copy_tree(sample, target)
    mutant = Mutant(target, rng.choice(attempts(target)))
    names = sorted(KINDS)
    for _ in range(1 if spec.kinds else rng.choice((1, 1, 2, 3))):
        for name in spec.kinds or rng.choices(names, [_WEIGHTS.get(n, 1) for n in names]):
            try:
                said = KINDS[name](rng, mutant, *spec.detail)
            except PermissionError:  # an earlier step closed a folder
                said = "half done"
            mutant.steps += [f"{name}: {said}"] if said is not None else []
    return mutant
