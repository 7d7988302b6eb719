"""What all readers share: reading whole files and lines, JSON documents, and typed looks into untyped JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar, cast

import orjson
from msgspec import Struct, field

from massgen_logs import stop
from massgen_logs.handles import open_file

T = TypeVar("T")

MAX_DOCUMENT = 256 * 1024 * 1024
"""Bytes of a file that is parsed whole; a larger one is reported and not read."""
MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line of a line-wise file; a longer line is reported and skipped."""
MAX_LABEL, MAX_NAME = 120, 255
"""Characters of an answer's label and of an agent's or a tool's name, which stand in many lines. MassGen's labels have about eight;
an agent's name is a folder's too."""
_BOM = b"\xef\xbb\xbf"
"""What some editors put before UTF-8."""
_BLOCK = 1 << 18
_LOOKS = 1000
"""Lines after which a reader looks whether its caller still waits."""


class Problem(Struct, frozen=True):
    """Something that could not be read. `line` is 1-based, None for the whole file."""

    file: str
    line: int | None
    what: str


class Source(Struct):
    """One file that was read: how many rows it gave and how many of its rows were unreadable."""

    file: str
    rows: int = 0
    unreadable: int = 0


class Read(Struct, Generic[T]):
    """What a reader returns. `source` is None when the file does not exist."""

    value: T
    source: Source | None = None
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def unreadable(self) -> bool:
        """True if the file exists and could not be read whole."""
        return self.source is not None and self.source.unreadable > 0

    def named(self, file: str) -> list[Problem]:
        """Its problems, with the file's path below the attempt: many folders hold a file of this name."""
        return [Problem(file, problem.line, problem.what) for problem in self.problems]


def read_text(path: Path | None, limit: int = MAX_DOCUMENT) -> Read[str]:
    """The whole file as text. UTF-8, with or without its mark; other bytes are replaced and reported. Line ends become newlines."""
    if path is None:
        return Read("")
    name = path.name
    try:
        with os.fdopen(open_file(path), "rb") as handle:
            data = handle.read(limit + 1)
    except OSError as error:
        return Read("", Source(name, 0, 1), [Problem(name, None, f"cannot be opened: {error.strerror or error}")])
    if len(data) > limit:
        return Read("", Source(name, 0, 1), [Problem(name, None, f"larger than {limit} bytes: not read")])
    data = data.removeprefix(_BOM)
    found = Read(decode(data), Source(name, 1))
    if "�" in found.value and "�".encode() not in data:
        found.problems.append(Problem(name, None, "bytes that are not UTF-8 were replaced"))
    return found


def decode(data: bytes) -> str:
    """Bytes as text, as MassGen wrote it; undecodable bytes become U+FFFD, CRLF becomes a newline."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def read_json(path: Path | None) -> Read[dict[str, object]]:
    """A JSON object; {} with a problem when the file is torn, empty, binary or no object."""
    found = read_text(path)
    if found.source is None or found.source.unreadable:
        return Read({}, found.source, found.problems)
    name = found.source.file
    try:
        value = parse_json(found.value)
    except ValueError as error:
        what = "empty" if not found.value.strip() else f"no valid JSON: {str(error)[:120]}"
        return Read({}, Source(name, 0, 1), [Problem(name, None, what)])
    if not isinstance(value, dict):
        return Read({}, Source(name, 0, 1), [Problem(name, None, "no JSON object")])
    return Read(mapping(cast("object", value)), Source(name, 1), found.problems)


def parse_json(text: str | bytes) -> object:
    """Parse JSON; what orjson refuses but Python's json.dump writes (NaN, Infinity) is accepted and becomes None.

    Raises:
        ValueError: for anything that is no JSON, or nested too deeply.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return sane(json.loads(text, parse_constant=lambda _: None))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def sane(value: object) -> object:
    """Without what JSON can't hold on the way out: lone surrogates, integers of more than 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return str(value)
    if isinstance(value, list):
        return [sane(item) for item in sequence(cast("object", value))]
    if isinstance(value, dict):
        return {str(sane(k)): sane(v) for k, v in mapping(cast("object", value)).items()}
    return value


_UNREADABLE = (OSError, EOFError, ValueError)
"""What reading a file or a damaged archive raises."""


def lines(path: Path | None, source: Source, problems: list[Problem]) -> Iterator[tuple[int, bytes]]:
    """(1-based number, bytes) of each line without its end.

    What could not be read is counted in `source` and told in `problems`; what stands before it is handed out.
    """
    if path is None:
        return
    number = 0
    try:
        with _opened(path) as handle:
            while row := handle.readline(MAX_LINE):
                number += 1
                if not number % _LOOKS:
                    stop.check()
                if row.endswith(b"\n"):
                    row = row[:-1]
                elif len(row) >= MAX_LINE:
                    _skip_line(handle)
                    _lost(source, problems, number, f"line longer than {MAX_LINE} bytes: skipped")
                    continue
                yield number, row.rstrip(b"\r") if row.endswith(b"\r") else row
    except _UNREADABLE as error:
        _broke_off(source, problems, number + 1, error)


def lines_with(
    path: Path | None, marks: Sequence[bytes], source: Source, problems: list[Problem],
) -> Iterator[tuple[int, bytes]]:  # fmt: skip
    """(1-based number, bytes) of the lines in which one of `marks` stands: the others are only counted."""
    for number, block in blocks(path, source, problems):
        starts = set[int]()
        for mark in marks:
            at = block.find(mark)
            while at >= 0:
                starts.add(block.rfind(b"\n", 0, at) + 1)
                at = block.find(mark, at + len(mark))
        first, counted = number, 0
        for start in sorted(starts):
            number, counted = number + block.count(b"\n", counted, start), start
            end = block.find(b"\n", start)
            yield number, (block[start:end] if end >= 0 else block[start:]).rstrip(b"\r")
        source.rows += number - first + block.count(b"\n", counted) + (not block.endswith(b"\n"))


def blocks(
    path: Path | None, source: Source, problems: list[Problem], begin: re.Pattern[bytes] | None = None,
) -> Iterator[tuple[int, bytes]]:  # fmt: skip
    """(1-based number of its first line, bytes) of stretches of about a quarter of a megabyte, which hold whole lines: for a reader that looks for
    what matters before it takes lines apart. Never holds more than a stretch in memory, which a long line may make longer.

    Args:
        path: of a file, or of a zip archive of one.
        source: what could not be read is counted here.
        problems: and told here; what stands before it is handed out.
        begin: what the first line of a record looks like, where one may have several: a stretch then holds whole records.
    """
    if path is None:
        return
    number, block = 1, b""
    try:
        with _opened(path) as handle:
            while data := handle.read(_BLOCK):
                block += data
                if len(block) < _BLOCK:
                    continue
                stop.check()
                if not block.endswith(b"\n"):
                    block += handle.readline(MAX_LINE)
                following = b""
                while begin and len(block) < MAX_LINE and (line := handle.readline(MAX_LINE)):
                    if begin.match(line):
                        following = line
                        break
                    block += line
                done, block = block, following
                yield number, done
                number += done.count(b"\n")
                if not done.endswith(b"\n"):  # a line that was too long
                    number += _skip_line(handle)
            if block:
                yield number, block
    except _UNREADABLE as error:
        if whole := block[: block.rfind(b"\n") + 1]:
            yield number, whole
            number += whole.count(b"\n")
        _broke_off(source, problems, number, error)


def _skip_line(handle: BinaryIO) -> bool:
    """The rest of a line; True if it has an end."""
    while (rest := handle.readline(MAX_LINE)) and not rest.endswith(b"\n"):
        pass
    return bool(rest)


def _broke_off(source: Source, problems: list[Problem], number: int, error: Exception) -> None:
    what = f"cannot be {'read on' if number > 1 else 'opened'}: {getattr(error, 'strerror', None) or error}"
    _lost(source, problems, number if number > 1 else None, what)


def _lost(source: Source, problems: list[Problem], line: int | None, what: str) -> None:
    source.unreadable += 1
    problems.append(Problem(source.file, line, what))


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    """A file, or the log in a zip archive."""
    with os.fdopen(open_file(path), "rb", _BLOCK) as raw:
        if path.suffix == ".zip":
            with _unzipped(raw) as handle:
                yield handle
        else:
            yield raw


@contextmanager
def _unzipped(raw: BinaryIO) -> Generator[BinaryIO]:
    """The only member of a log that MassGen rotated away; refuses one that would be larger than a gigabyte.

    Raises:
        ValueError: for whatever is wrong with the archive.
    """
    import zipfile  # here: few logs were rotated away
    import zlib

    try:
        archive = zipfile.ZipFile(raw)
        members = archive.infolist()
        packed = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        if len(members) != 1 or members[0].file_size > 1 << 30 or members[0].compress_type not in packed:
            raise ValueError("no archive of one log")
        with archive.open(members[0]) as handle:
            yield cast("BinaryIO", handle)
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # RuntimeError: it has a password
        raise ValueError(str(error)) from error


def mapping(value: object) -> dict[str, object]:
    """`value` if it is a JSON object, else {}."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """`value` if it is a JSON array, else []."""
    return cast("list[object]", value) if isinstance(value, list) else []


def mappings(value: object) -> list[dict[str, object]]:
    """The objects of a JSON array of objects."""
    return [cast("dict[str, object]", item) for item in sequence(value) if isinstance(item, dict)]


def text(value: object) -> str | None:
    """`value` if it is a string, else None."""
    return value if isinstance(value, str) else None


def as_label(value: object) -> str | None:
    """`value` if it is a string, as a label of an answer: of a long one the beginning, the cut announced."""
    return None if not isinstance(value, str) else _capped(value, MAX_LABEL)


def as_name(value: object) -> str | None:
    """`value` if it is a string, as the name of an agent or a tool, cut like a label."""
    return None if not isinstance(value, str) else _capped(value, MAX_NAME)


def as_names(value: object) -> list[str]:
    """The strings of a JSON array of names."""
    return [_capped(item, MAX_NAME) for item in texts(value)]


def by_name(value: object) -> dict[str, object]:
    """A JSON object whose keys are names, or {}."""
    return {_capped(key, MAX_NAME): item for key, item in mapping(value).items()}


def _capped(found: str, most: int) -> str:
    return found if len(found) <= most else f"{found[:most]}…[+{len(found) - most} chars]"


def texts(value: object) -> list[str]:
    """The strings of a JSON array of strings."""
    return [item for item in sequence(value) if isinstance(item, str)]


def number(value: object) -> float | None:
    """`value` as a float if it is a finite JSON number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if abs(found) < 1e15 else None


def integer(value: object) -> int | None:
    """`value` as an int if it is a JSON number without a fraction, else None."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def read_tail(path: Path | None, size: int = 262_144) -> bytes:
    """The last `size` bytes of a file; b"" when it can't be read."""
    if path is None:
        return b""
    try:
        with os.fdopen(open_file(path), "rb") as handle:
            handle.seek(max(0, os.fstat(handle.fileno()).st_size - size))
            return handle.read(size)
    except OSError:
        return b""


def read_head(path: Path | None, size: int) -> bytes:
    """The first `size` bytes of a file; b"" when it can't be read."""
    if path is None:
        return b""
    try:
        with os.fdopen(open_file(path), "rb") as handle:
            return handle.read(size)
    except OSError:
        return b""
