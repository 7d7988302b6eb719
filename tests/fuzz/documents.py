"""JSON documents in a log tree: the place of every field, and values of the wrong type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mutant import PLANTED

Path_ = tuple[str | int, ...]


def walk(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """The place of every value of a document, the document's own first."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, (*at, key))


def schema(at: Path_) -> tuple[str, ...]:
    """A place without what differs from run to run: list positions, ids of agents and answers, names of tools."""
    ids = re.compile(r"(agent(_[a-z]|\d.*)|alpha|beta|gamma|mid|solo|zeta|(mcp|custom_tool)__.*|(round|turn)_\d+|\d.*)")
    return tuple(
        "*" if isinstance(part, int) or (index and ids.fullmatch(part)) else part for index, part in enumerate(at)
    )


def look(value: Any, at: Path_) -> Any:
    """The value at a place."""
    for part in at:
        value = value[part]
    return value


def put(value: Any, at: Path_, new: Any) -> Any:
    """The document with another value at one place."""
    if not at:
        return new
    look(value, at[:-1])[at[-1]] = new
    return value


def documents(path: Path) -> list[Any]:
    """The JSON documents in a file: one, or one a line."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".jsonl":
            return [json.loads(text)]
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    except (OSError, ValueError, RecursionError):
        return []


def dump(path: Path, docs: list[Any]) -> bytes:
    """The documents as MassGen writes them."""
    if path.suffix == ".jsonl":
        return "".join(json.dumps(doc) + "\n" for doc in docs).encode()
    return json.dumps(docs[0], indent=2).encode()


def fields(docs: list[Any], suffix: str) -> dict[tuple[str, ...], list[tuple[int, Path_]]]:
    """Every field of the documents in a file of that suffix: schema to the places (number of the document, place in it) that have it."""
    found: dict[tuple[str, ...], list[tuple[int, Path_]]] = {}
    for number, doc in enumerate(docs):
        kind = str(doc.get("event_type")) if suffix == ".jsonl" and isinstance(doc, dict) else ""
        for at in walk(doc):
            found.setdefault((kind, *schema(at)), []).append((number, at))
    return found


WRONG: dict[str, tuple[Any, ...]] = {
    "null": (None,),
    "bool": (True, False),
    "number": (0, -1, 7, 3.5, 1e300, -1e300, 2**31, 2**63, 2**64, 10**30),
    "text": (
        "",
        "seven",
        "\u0000",
        "\ud83d",
        "agent_a",
        "\x1b[31m\u202e",
        "7",
        "nan",
        "x" * 3000,
        "```\n~~~~\n|",
        "%s{0}\\",
    ),
    "line": (f"a\n{PLANTED}",),
    "array": ([], [None], [[]], ["a", 1, None, {}], [{}] * 3),
    "object": ({}, {"a": {}}, {"": None}, {"agent_a": "agent_b"}, {"\ud83d\n": 1}),
}


def type_of(value: Any) -> str:
    """Its key in WRONG."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
