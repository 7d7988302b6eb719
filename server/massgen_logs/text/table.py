"""Compact Markdown tables and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from massgen_logs.text.clean import cell


def table(header: Sequence[str], rows: Iterable[Sequence[object]], limit: int = 160) -> list[str]:
    """Lines of a Markdown table; None becomes "-"."""
    lines = ["|" + "|".join(header) + "|", "|" + "-|" * len(header)]
    lines += [row_line(row, limit) for row in rows]
    return lines


def row_line(row: Sequence[object], limit: int = 160) -> str:
    """One line of a table."""
    return "|" + "|".join("-" if value is None else cell(value, limit) for value in row) + "|"


def apart(lines: Iterable[str]) -> list[str]:
    """The lines of an answer, with an empty one after each table: what follows is else a row of it to whoever renders it."""
    found: list[str] = []
    for line in lines:
        row = len(found) > 1 and found[-1].startswith("|")
        if row and not line.startswith("|") and line:
            found.append("")
        elif row and line.startswith("|-|") and found[-2].startswith("|"):
            found.insert(-1, "")
        found.append(line)
    return found


def seconds(value: float | None) -> str:
    """Seconds, with a precision that fits their size."""
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.1f}"


def dollars(value: float | None) -> str:
    """US dollars with MassGen's six decimals, without trailing zeros."""
    return "unknown" if value is None else "$" + (f"{value:.6f}".rstrip("0").rstrip(".") or "0")


def doubt(cost: float | None, *, floor: bool, doubled: bool) -> str:
    """What is not exact about a cost, in brackets; doubled: it holds tokens that were counted twice."""
    if cost is None:
        return ""
    if doubled:
        return f" (tokens counted twice are in it: {'neither a floor nor a ceiling' if floor else 'a ceiling'})"
    return " (a floor)" if floor else ""


def counts(values: dict[str, int]) -> str:
    """`name n, name n` of what is not zero; "none" for nothing."""
    return ", ".join(f"{name} {n}" for name, n in values.items() if n) or "none"
