"""A file that grows is read once, whatever the pieces in which it is written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from massgen_logs.readers.growing import Growing


@given(pieces=st.lists(st.binary(max_size=20) | st.sampled_from([b"\n", b"one\ntw", b"o\r\n"]), max_size=12))
def test_each_whole_line_once(pieces: list[bytes]) -> None:
    """A look after each piece: together they give every line that has an end, in order; nothing twice."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        growing = Growing(path)
        assert list(growing.lines()) == []  # not there yet
        found: list[bytes] = []
        for piece in pieces:
            with path.open("ab") as file:
                file.write(piece)
            found += growing.lines()
        whole = b"".join(pieces)
        assert b"".join(found) == whole[: whole.rfind(b"\n") + 1]
        assert all(line.endswith(b"\n") for line in found)
        assert growing.source.rows == len(found)


def test_a_file_that_was_replaced_begins_anew(tmp_path: Path) -> None:
    """Another file in its place, and one that shrank."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"one\ntwo\n")
    growing = Growing(path)
    assert list(growing.lines()) == [b"one\n", b"two\n"]
    path.write_bytes(b"new\n")
    assert list(growing.lines()) == [b"new\n"]
    assert growing.anew
