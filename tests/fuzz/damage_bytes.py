"""Damage to the bytes and lines of a file."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

from mutant import DOCUMENTS, INSIDE, Mutant, must_tell, own, pick, write

_SKIPPED = (
    b'"event_type": "evaluation_criteria_set"',
    b'"event_type": "final_presentation_chunk"',
    b'"event_type": "thinking"',
)
"""Lines of events.jsonl that a count of calls need not parse."""


def truncate(rng: random.Random, mutant: Mutant) -> str | None:
    """Cut short in a number, a text, an escape, a key, between lines, anywhere, or at 0 bytes."""
    path = pick(rng, mutant)
    data = path.read_bytes() if path else b""
    if path is None or not data:
        return None
    places = {
        "number": rb"\d(?=[\d.])", "text": rb'": "[^"\\]', "escape": rb"\\(?=.)", "unicode": rb"\\u[0-9a-f]?", "key": rb'"[a-z_]{1,9}',
        "line": rb"\n", "character": rb"[\xc2-\xf4]", "start": rb"\A.", "end": rb".\Z", "brace": rb"[{\[]", "any": rb".", "fence": rb"```",
    }  # fmt: skip
    kind = rng.choice([*sorted(places), "nothing"])
    ends = [] if kind == "nothing" else [m.end() for m in re.finditer(places[kind], data, re.S)]
    cut = rng.choice(ends) if ends else 0
    kept = data[: cut - 1 if kind == "end" else cut]
    write(path, kept)
    document = path.name in (*DOCUMENTS, *INSIDE)
    last = kept.rsplit(b"\n", 1)[-1]
    torn_event = path.name == "events.jsonl" and len(last) > 90 and not any(mark in last[:90] for mark in _SKIPPED)
    if (document and data.rstrip()[-1:] == b"}" and len(kept) < len(data.rstrip())) or (
        torn_event and kept != data.rstrip()
    ):
        must_tell(mutant, path, kept)
    return f"{path.name} cut in {kind} at {len(kept)} of {len(data)}"


def flip(rng: random.Random, mutant: Mutant) -> str | None:
    """One to fifty bytes changed."""
    path = pick(rng, mutant)
    data = bytearray(path.read_bytes()) if path else bytearray()
    if path is None or not data:
        return None
    for _ in range(rng.choice((1, 1, 3, 10, 50))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    write(path, bytes(data))
    return f"{path.name} bytes flipped"


def _insert(rng: random.Random, mutant: Mutant, pieces: tuple[bytes, ...]) -> tuple[Path, bytes] | None:
    path = pick(rng, mutant)
    if path is None:
        return None
    data = path.read_bytes()
    for _ in range(rng.choice((1, 3, 20))):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(pieces) + data[at:]
    write(path, data)
    return path, data


def utf8(rng: random.Random, mutant: Mutant) -> str | None:
    """Bytes that are no UTF-8."""
    done = _insert(rng, mutant, (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88", b"\xe2\x82", b"\xfe\xff"))
    if done is None:
        return None
    if done[0].name in DOCUMENTS:
        must_tell(mutant, *done)
    return f"{done[0].name} with invalid UTF-8"


def nul(rng: random.Random, mutant: Mutant) -> str | None:
    """NUL bytes, a byte order mark, UTF-16, controls, line separators of Unicode."""
    pieces = (
        b"\x00",
        b"\x00" * 5000,
        b"\xef\xbb\xbf",
        b"\x1b[2J",
        b"\x07\x08\x7f",
        "\u2028\u0085\u202e".encode(),
        b"\x0b\x0c\x1c",
        b"\r",
    )
    done = _insert(rng, mutant, pieces)
    if done is not None and rng.random() < 0.1:
        write(done[0], done[1].decode("utf-8", "replace").encode("utf-16"))
    return f"{done[0].name} with NUL and controls" if done else None


def crlf(rng: random.Random, mutant: Mutant) -> str | None:
    """Line ends of another system."""
    path = pick(rng, mutant)
    if path is None:
        return None
    write(path, path.read_bytes().replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\r\r\n"))))
    return f"{path.name} with other line ends"


def lines(rng: random.Random, mutant: Mutant) -> str | None:
    """Lines doubled, swapped, lost, reversed, repeated many times, glued."""
    path = pick(rng, mutant)
    rows = path.read_bytes().splitlines(keepends=True) if path else []
    if path is None or len(rows) < 2:
        return None
    how = rng.choice(("double", "swap", "lose", "reverse", "shuffle", "repeat", "glue"))
    for _ in range(rng.choice((1, 3, 10))):
        at, other = rng.randrange(len(rows)), rng.randrange(len(rows))
        match how:
            case "double":
                rows.insert(other, rows[at])
            case "swap":
                rows[at], rows[other] = rows[other], rows[at]
            case "lose":
                rows.pop(at) if len(rows) > 1 else None
            case "repeat":
                rows[at:at] = [rows[at]] * min(300, 1_000_000 // len(rows[at]))
            case "glue":
                rows[at] = rows[at].rstrip(b"\n")
            case _:
                pass
    rows = rows[::-1] if how == "reverse" else rng.sample(rows, len(rows)) if how == "shuffle" else rows
    write(path, b"".join(rows))
    return f"{path.name} lines: {how}"


def sparse(rng: random.Random, mutant: Mutant) -> str | None:
    """A file with a hole of hundreds of megabytes, as a full disk or a crash leaves."""
    path = pick(rng, mutant)
    if path is None:
        return None
    own(path)
    size = rng.choice((70, 200)) << 20
    os.truncate(path, size)
    return f"{path.name} with a hole to {size >> 20} MB"
