"""Damage to the fields of JSON documents."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from documents import WRONG, Path_, documents, dump, fields, look, put, type_of
from mutant import DOCUMENTS, INSIDE, Mutant, files, must_tell, pick, write

from massgen_logs.readers import events_jsonl

_SPECIAL = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "1" + "0" * 4000,
    "-0.0",
    "1e15",
    "9" * 25,
    "1e-320",
    "253402300800",
)


def _a_field(
    rng: random.Random, mutant: Mutant, wanted: str | None = None
) -> tuple[Path, list[Any], int, Path_] | None:
    """A field by chance: of any schema of its file alike, whose value is of the wanted type."""
    path = pick(rng, mutant, *DOCUMENTS, *INSIDE, "events.jsonl", "ANALYSIS_REPORT.json")
    docs = documents(path) if path else []
    found = fields(docs, path.suffix) if path else {}
    if wanted:
        found = {
            k: [(n, at) for n, at in places if type_of(look(docs[n], at)) == wanted] for k, places in found.items()
        }
    schemas = sorted(key for key, places in found.items() if places)
    if path is None or not schemas:
        return None
    number, at = rng.choice(found[rng.choice(schemas)])
    return path, docs, number, at


def _set(place: tuple[Path, list[Any], int, Path_], new: Any) -> str:
    path, docs, number, at = place
    docs[number] = put(docs[number], at, new)
    write(path, dump(path, docs))
    return f"{path.name}[{number}] {at!r}"


def wrong_type(
    rng: random.Random, mutant: Mutant, name: str = "", field_: tuple[str, ...] = (), kind: str = ""
) -> str | None:
    """A value of another JSON type in a field: one by chance, or every place that has the given schema."""
    if not name:
        place = _a_field(rng, mutant)
        if place is None:
            return None
        kinds = sorted(set(WRONG) - {type_of(look(place[1][place[2]], place[3]))})
        return _set(place, rng.choice(WRONG[rng.choice(kinds)]))
    for path in files(mutant, name):
        docs = documents(path)
        # innermost last: an outer place of the same schema would take the inner ones with it
        for number, at in reversed(fields(docs, path.suffix).get(field_, [])):
            docs[number] = put(docs[number], at, rng.choice(WRONG[kind]))
        if docs:
            write(path, dump(path, docs))
    return f"{name} {field_!r} becomes {kind}"


def lost_key(rng: random.Random, mutant: Mutant) -> str | None:
    """A key is missing, has another name, or stands twice."""
    place = _a_field(rng, mutant)
    if place is None or not place[3] or not isinstance(place[3][-1], str):
        return None
    path, docs, number, at = place
    inner, key = look(docs[number], at[:-1]), at[-1]
    value = inner.pop(key)
    how = rng.randrange(3)
    if how == 1:
        inner[rng.choice(("", "x", "agent_b", key.upper()))] = value
    data = dump(path, docs)
    if how == 2:
        inner[key] = "TWICE"
        data = dump(path, docs).replace(
            b'"TWICE"', json.dumps(value).encode() + b", " + json.dumps(key).encode() + b": null", 1
        )
    write(path, data)
    return f"{path.name} {at!r} lost"


def number(rng: random.Random, mutant: Mutant) -> str | None:
    """NaN, Infinity, and numbers that no clock or counter can hold."""
    place = _a_field(rng, mutant, "number")
    if place is None:
        return None
    said = _set(place, "@NUMBER@")
    new = rng.choice(_SPECIAL)
    write(place[0], place[0].read_bytes().replace(b'"@NUMBER@"', new.encode()))
    return f"{said} = {new[:20]}"


_LEFT_OUT = tuple(f'"event_type": "{kind}"'.encode() for kind in events_jsonl.SKIPPED)
"""Lines of events.jsonl that no fact comes from are not parsed: what they hold is not lost."""


def deep(rng: random.Random, mutant: Mutant) -> str | None:
    """A value nested 50 to 100,000 deep."""
    place = _a_field(rng, mutant)
    if place is None:
        return None
    said = _set(place, "@DEEP@")
    depth = rng.choice((50, 120, 200, 300, 500, 900, 1000, 1100, 5000, 100_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a": ', b"}"), (b'[{"command": ', b"}]")))
    data = place[0].read_bytes().replace(b'"@DEEP@"', opening * depth + b"1" + closing * depth)
    write(place[0], data)
    line = next(line for line in data.split(b"\n") if opening * depth in line)
    if depth > 1024 * 2 and not any(kind in line[:200] for kind in _LEFT_OUT):
        must_tell(mutant, place[0], data)
    return f"{said} {depth} deep"


def huge(rng: random.Random, mutant: Mutant) -> str | None:
    """A very long text, list or object in a field."""
    place = _a_field(rng, mutant)
    if place is None:
        return None
    size = rng.choice((2000, 20_000, 100_000))
    old = look(place[1][place[2]], place[3])
    new = rng.choice((
        "lorem ipsum " * size, "\u202e" * size, "a" * size * 10, "A" * size, "A_" * size, "a.b-" * size, "`" * size, list(range(size)), {f"agent_{i}": {} for i in range(size)},
        {f"k{i}": old for i in range(min(size // 40, 1000))}, [old] * (size // 40 if type_of(old) != "object" else size // 400),
        "=" * size, "sk-" + "a" * size, "API_KEY=" * (size // 10), "npm run " * size, "https://" + "a:" * size, "\n" * size, "{" * size,
    ))  # fmt: skip
    return f"{_set(place, new)} huge {type_of(new)}"
