"""Tables of an answer."""

from __future__ import annotations

from massgen_logs.text.table import apart, table


def test_what_follows_a_table_is_no_row_of_it() -> None:
    """Markdown ends a table at an empty line only; another table's header would be a row, too."""
    one, two = table(("a", "b"), [(1, 2)]), table(("c",), [(3,)])
    assert apart(["x", *one, *two, "y"]) == ["x", *one, "", *two, "", "y"]
    assert apart([*one, "", *two]) == [*one, "", *two]
