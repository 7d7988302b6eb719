"""Damage that knows one kind of file: clocks, rotated logs, YAML, reports."""

from __future__ import annotations

import json
import os
import random
import re
import struct
import zipfile

from mutant import DOCUMENTS, Mutant, files, own, write


def clocks(rng: random.Random, mutant: Mutant) -> str | None:
    """Clocks that jump: in the middle of a log, between files, in the name of the log, into the future."""
    how = rng.choice(("events", "logs", "unix", "name", "mtime", "now", "zone", "nonsense"))
    shift = rng.choice(
        ("1970-01-01", "0001-01-01", "9999-12-31", "2026-11-21", "2026-11-23", "2099-02-30", "2038-01-19")
    )
    events = mutant.attempt / "events.jsonl"
    if how in {"events", "zone", "nonsense"} and events in files(mutant, "events.jsonl"):
        rows = events.read_bytes().splitlines(keepends=True)
        start = rng.randrange(len(rows) + 1)
        new = {"events": shift.encode() + rb"\1", "zone": rb"2026-11-22\1", "nonsense": rb"\1"}[how]
        tail = [
            re.sub(rb"\d{4}-\d\d-\d\d(T[\d:]+)", new + (b"+23:59" if how == "zone" else b""), row, count=1)
            for row in rows[start:]
        ]
        write(events, b"".join(rows[:start] + tail))
    for path in files(mutant, "massgen.log", "massgen_debug.log", "streaming_debug.log") if how == "logs" else ():
        write(
            path,
            re.sub(
                rb"(?m)^\d\d:\d\d",
                rng.choice((b"99:99", b"00:00", b"23:59", b"24:60")),
                path.read_bytes(),
                count=rng.choice((0, 5)),
            ),
        )
    for path in files(mutant, *DOCUMENTS, "vote.json") if how in {"unix", "now"} else ():
        factor = rng.choice((0.0, 0.5, 2.0, -1.0, 1000.0, 5e5))
        value = rb"%f" % (1795344000 * factor) if how == "unix" else str(int(os.stat(path).st_mtime)).encode()
        write(path, re.sub(rb"\b17\d{8}\.\d+", value, path.read_bytes(), count=rng.choice((0, 1, 3))))
    if how == "name":
        session = next(p for p in [mutant.attempt, *mutant.attempt.parents] if p.parent == mutant.root)
        stamp = rng.choice(
            (
                "99999999_999999_999999",
                "00000000_000000",
                "20261122_104800_1",
                "19691231_235959_0",
                "20260229_000000_000000",
            )
        )
        renamed = session.rename(session.with_name(f"log_{stamp}"))
        mutant.attempt = renamed / mutant.attempt.relative_to(session)
        mutant.told = {renamed / p.relative_to(session): data for p, data in mutant.told.items()}
        mutant.growing = {renamed / p.relative_to(session): data for p, data in mutant.growing.items()}
    for path in files(mutant) if how == "mtime" else ():
        own(path)
        os.utime(path, ns=(rng.choice((0, 2**62, 10**18)),) * 2)
    return f"clock: {how}"


def rotated(rng: random.Random, mutant: Mutant) -> str | None:
    """The first part of massgen.log in a zip: whole, torn, of several files, of a wrong sum, encrypted, a bomb, no zip at all."""
    path = next((p for p in files(mutant, "massgen.log", "massgen_debug.log") if p.parent == mutant.attempt), None)
    if path is None:
        return None
    rows = path.read_bytes().splitlines(keepends=True)
    half = rng.randrange(len(rows) + 1)
    name = f"{path.stem}.2026-11-22_10-00-00_000000.log"
    target = path.with_name(name + ".zip")
    how = rng.choice(
        ("whole", "torn", "many", "none", "bytes", "sum", "locked", "bomb", "lie", "method", "empty", "path")
    )
    method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(target, "w", method) as archive:
        for number in range({"many": 3, "none": 0}.get(how, 1)):
            inside = {0: name, 1: "other.log"}.get(number, "third.log") if how != "path" else "../../../etc/massgen.log"
            info = zipfile.ZipInfo(inside)  # its time is the same whenever the mutant is made
            content = b"\0" * (30 << 20) if how == "bomb" else b"" if how == "empty" else b"".join(rows[:half])
            archive.writestr(info, content, compress_type=method)
    data = bytearray(target.read_bytes())
    central = data.rfind(b"PK\x01\x02")
    if how == "torn":
        data = data[: rng.randrange(len(data))]
    elif how == "bytes":
        for _ in range(20):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif how == "sum" and half:
        data[-len(data) // 2] ^= 0xFF
    elif how in {"locked", "method"} and central > 0:
        for header, shift in ((0, 0), (central, 2)):
            at = header + (6 if how == "locked" else 8) + shift
            data[at : at + 2] = struct.pack("<H", 1 if how == "locked" else 93)
    elif how == "lie" and central > 0:
        data[central + 24 : central + 28] = struct.pack("<I", rng.choice((0, 1, 2**32 - 1)))
    write(target, bytes(data))
    write(path, b"".join(rows[half:]))
    return f"rotated log: {how}"


_YAML = (
    "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(f"{n}: &{n} [" + ", ".join([f"*{p}"] * 9) + "]\n" for p, n in zip("abcdefghi", "bcdefghij", strict=True)) + "config: {agents: [{id: *j, backend: *j}], orchestrator: *j, x: *j}\n",
    "config: &c\n  self: *c\n  agents: &d [*d, *c]\n", "config: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    "config: !!python/name:os.system\n", "config: {agents: [" * 400, "config: " + "[" * 100_000, "config: " + "{a: " * 3000 + "1" + "}" * 3000 + "\n",
    "config: " + "[" * 300 + "]" * 300 + "\n", "config: {orchestrator: " + "{a: " * 200 + "1" + "}" * 200 + "}\n",
    "timestamp: 2026-99-99\n", "timestamp: 2026-11-22T10:48:00+99:99\n", "timestamp: [1, 2]\n", "? [a, b]\n: c\n", "? {a: b}\n: c\n", "config: {1: 2, null: 3, 2026-01-01: 4, true: 5, .nan: 6}\n",
    "config: {orchestrator: {1: 2, null: x, a: 2026-01-01, b: !!binary aGVsbG8=, c: !!set {x, y}, d: .nan, e: .inf, f: 0x" + "f" * 3000 + "}}\n",
    "config: {agents: {a: 1}}\n", "config: {agents: [null, 1, [], {id: 7, backend: x}, {id: a, backend: {type: [], model: {}}}]}\n", "cli_args: [1]\n",
    "massgen_version: 0.1\n", "massgen_version: [0]\n", 'massgen_version: "99999999999999999999.1.2"\n', 'massgen_version: "0.1.x"\n', "query: !!binary /w==\n", "- a\n", "--- a\n--- b\n", "%YAML 9.9\n---\n",
    "<<: *x\n", "a: b: c\n", "\tx: 1\n", "config: !!omap [a: 1]\n", "config: {timeout_settings: {orchestrator_timeout_seconds: .inf}}\n", "config: 1:99:99\n", "&a " * 5000 + "x\n",
    "config: !!float x\n", "config: !!int x\n", "config: !!timestamp x\n", "massgen_version: 1_0.1\nconfig: 0b\n", "config: !<tag:yaml.org,2002:python/tuple> [1]\n", "x: 1" + "0" * 5000 + "\n",
    "config: {orchestrator: {x: [2026-01-01, 1e400, -.inf, 2026-01-01 10:00:00, !!set {1}]}}\n",
)  # fmt: skip


def yaml(rng: random.Random, mutant: Mutant) -> str | None:
    """Broken or hostile YAML: bombs of anchors, cycles, tags of Python objects, keys that are no text, impossible values."""
    path = mutant.attempt / "execution_metadata.yaml"
    if path.is_dir():
        return None
    old = path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else b""
    number = rng.randrange(len(_YAML))
    piece = _YAML[number].encode()
    write(path, rng.choice((piece, old + b"\n" + piece, piece + b"\n" + old)))
    return f"YAML {number}"


def report(rng: random.Random, mutant: Mutant) -> str | None:
    """A report beside the turn, or its figures, that nobody wrote properly."""
    folder = mutant.attempt.parent if mutant.attempt.name.startswith("attempt_") else mutant.attempt
    write(
        folder / "ANALYSIS_REPORT.md", rng.choice((b"# R", b"\xff", b"\n", b"# MassGen Log Analysis Report\n|a|b|\n"))
    )
    prints = [
        {
            "name": rng.choice(("../../etc/passwd", "turn_1/attempt_1/events.jsonl", "", "a\0b", "x" * 5000)),
            "size": rng.choice((1, -1, 2**70)),
            "sha256": "0",
        }
    ]
    data = json.dumps(
        {"fingerprints": rng.choice((prints, [], {}, None, [1])), "attempts": rng.choice((1, None, "x", 2))}
    ).encode()
    write(folder / "ANALYSIS_REPORT.json", rng.choice((data, data[:20], b"", b"[]", b"[" * 100_000, b"\0")))
    return "a report of nobody"
