"""RESULTS.md, the SVG plots and the README's table, all from results.json."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- benchmarks: written by `make bench` -->", "<!-- /benchmarks -->"
_INK, _OURS, _PEER, _FAINT = "#57606a", "#0969da", "#bc4c00", "#d0d7de"


def everything(results: dict[str, Any], out: Path, readme: Path | None) -> None:
    """Write them into `out`, and the short table into the README if it is given."""
    rows = list(results["rows"].values())
    (out / "RESULTS.md").write_text(report(results, rows))
    (out / "comparison.svg").write_text(comparison([row for row in rows if _last(row)]))
    (out / "growth.svg").write_text(growth([row for row in rows if len(row["points"]) > 1]))
    if readme:
        text = readme.read_text()
        section = f"{_BEGIN}\n{short(results, rows)}\n{_END}"
        readme.write_text(re.sub(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", lambda _: section, text, flags=re.S))


def _last(row: dict[str, Any]) -> dict[str, Any] | None:
    return row["points"][-1] if row["points"] and row["points"][-1]["peer"] else None


def _outcome(row: dict[str, Any]) -> str:
    """What was measured, in some words."""
    if row["skipped"]:
        return f"not measured: {row['skipped']}"
    if row["figures"]:
        return "; ".join(
            f"{name}: {value:,.2f}" if value < 100 else f"{name}: {value:,.0f}"
            for name, value in row["figures"].items()
        )
    point = row["points"][-1]
    if point["ratio"] is None:
        return f"{point['ours']['cpu']:.2f} s; no peer here"
    return f"{times(point['ratio'])} ({point['ours']['cpu']:.2f} s against {point['peer']['cpu']:.2f} s), {point['ours']['peak']:.0f} MB"


def times(ratio: float) -> str:
    """A ratio of CPU times in words."""
    return f"{ratio:.1f} times faster" if ratio >= 1 else f"{1 / ratio:.1f} times slower"


def report(results: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The whole report."""
    lines = [
        "# How fast", "",
        "Written by `make bench` (benchmarks/bench.py) from results.json; don't edit. CPU seconds (user and system, with all children) are",
        "medians; each pair was run in turn, and the ratio is the median of the pairs' ratios. Peak memory is of the largest process.", "",
        ", ".join(f"{name} {value}" for name, value in results.items() if name != "rows") + ".", "",
        "| work | peer | at least | measured | size |", "|---|---|---|---|---|",
        *(f"| {row['work']} | {row['peer']} | {row['at_least']} | {_outcome(row)} | {row['points'][-1]['size'] if row['points'] else ''} |" for row in rows),
        "", "![CPU time beside the peers'](comparison.svg)", "", "![Growth](growth.svg)", "",
    ]  # fmt: skip
    for row in rows:
        if not row["points"] and not row["note"]:
            continue
        lines += [
            f"## {row['work']}",
            "",
            f"Beside: {row['peer']}. Wanted: {row['at_least']}. Runs of each: {row['runs']}.",
            "",
        ]
        lines += [row["note"][0].upper() + row["note"][1:] + ".", ""] if row["note"] else []
        if row["points"]:
            lines += [
                "| size | ours s CPU | wall s | MB | peer s CPU | wall s | MB | ratio |",
                "|---|---|---|---|---|---|---|---|",
            ]
            lines += [_line(point) for point in row["points"]] + [""]
    return "\n".join(lines).rstrip() + "\n"


def _line(point: dict[str, Any]) -> str:
    cells = [point["size"]]
    for cost in (point["ours"], point["peer"]):
        cells += [f"{cost['cpu']:.2f}", f"{cost['wall']:.2f}", f"{cost['peak']:.0f}"] if cost else ["", "", ""]
    return "| " + " | ".join([*cells, f"{point['ratio']:.2f}" if point["ratio"] else ""]) + " |"


def short(results: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The README's table."""
    lines = [f"{results['date']}, {results['machine']}:", "", "| work | beside | measured |", "|---|---|---|"]
    lines += [f"| {row['work']} | {row['peer']} | {_outcome(row)} |" for row in rows]
    return "\n".join(
        [*lines, "", "![CPU time beside the peers'](benchmarks/comparison.svg)", "", "![Growth](benchmarks/growth.svg)"]
    )


def _svg(width: int, height: int, body: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="{_INK}">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *body, "</svg>"]) + "\n"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def comparison(rows: list[dict[str, Any]]) -> str:
    """CPU seconds of both as bars on a logarithmic axis, at the largest size."""
    left, wide, each = 330, 420, 44
    shown = [(row, row["points"][-1]) for row in rows]
    top = max((max(p["ours"]["cpu"], p["peer"]["cpu"]) for _, p in shown), default=1.0)
    low = min((min(p["ours"]["cpu"], p["peer"]["cpu"]) for _, p in shown), default=0.1)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(top))
    last = max(last, first + 1)

    def x(seconds: float) -> float:
        return left + wide * (math.log10(seconds) - first) / (last - first)

    height = 50 + each * len(shown) + 30
    body = [
        f'<text x="10" y="20" font-size="14">CPU seconds, logarithmic: <tspan fill="{_OURS}">massgen-logs</tspan> and <tspan fill="{_PEER}">what else there is</tspan></text>'
    ]
    for power in range(first, last + 1):
        at = left + wide * (power - first) / (last - first)
        body.append(f'<line x1="{at:.1f}" y1="36" x2="{at:.1f}" y2="{height - 26}" stroke="{_FAINT}"/>')
        body.append(f'<text x="{at:.1f}" y="{height - 10}" text-anchor="middle">{10.0**power:g}</text>')
    for index, (row, point) in enumerate(shown):
        y = 44 + each * index
        body.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{_escaped(row["work"][:48])}</text>')
        body.append(
            f'<text x="{left - 8}" y="{y + 28}" text-anchor="end" font-size="10">{_escaped(point["size"])}: {times(point["ratio"])}</text>'
        )
        for offset, cost, colour in ((0, point["ours"], _OURS), (16, point["peer"], _PEER)):
            end = x(max(cost["cpu"], 10.0**first))
            body.append(
                f'<rect x="{left}" y="{y + offset}" width="{max(1.0, end - left):.1f}" height="14" fill="{colour}"/>'
            )
            body.append(f'<text x="{end + 4:.1f}" y="{y + offset + 11}" font-size="10">{cost["cpu"]:.2f}</text>')
    return _svg(left + wide + 60, height, body)


def growth(rows: list[dict[str, Any]]) -> str:
    """CPU seconds at 1, 4 and 16 times the size, both axes logarithmic; the faint line is linear growth."""
    columns, cell_w, cell_h = 3, 270, 210
    wide, high = cell_w - 60, cell_h - 70
    body = [
        f'<text x="10" y="20" font-size="14">CPU seconds at 1, 4 and 16 times the size: <tspan fill="{_OURS}">massgen-logs</tspan>, <tspan fill="{_PEER}">peer</tspan>, linear growth dashed</text>'
    ]
    for index, row in enumerate(rows):
        x0, y0 = 40 + cell_w * (index % columns), 60 + cell_h * (index // columns)
        both = [[p[who]["cpu"] for p in row["points"] if p[who]] for who in ("ours", "peer")]
        values = [v for one in both for v in one]
        low, top = math.log10(min(values)) - 0.1, math.log10(max(values)) + 0.1
        low, top = (low - 0.6, top + 0.6) if top - low < 1.2 else (low, top)
        steps = len(row["points"]) - 1

        def place(
            step: int, value: float, x0: int = x0, y0: int = y0, low: float = low, top: float = top, steps: int = steps
        ) -> str:
            return f"{x0 + wide * step / steps:.1f},{y0 + high - high * (math.log10(value) - low) / (top - low):.1f}"

        body.append(f'<text x="{x0}" y="{y0 - 10}" font-size="11">{_escaped(row["work"][:44])}</text>')
        body.append(f'<rect x="{x0}" y="{y0}" width="{wide}" height="{high}" fill="none" stroke="{_FAINT}"/>')
        for step, point in enumerate(row["points"]):
            at = x0 + wide * step / steps
            body.append(
                f'<text x="{at:.1f}" y="{y0 + high + 14}" text-anchor="middle" font-size="9">{_escaped(point["size"])}</text>'
            )
        base = both[0][0]
        line = [(step, base * 4**step) for step in range(steps + 1) if math.log10(base * 4**step) <= top]
        body.append(
            f'<polyline points="{" ".join(place(s, v) for s, v in line)}" fill="none" stroke="{_INK}" stroke-dasharray="3 4"/>'
        )
        for one, colour in zip(both, (_OURS, _PEER), strict=True):
            if one:
                body.append(
                    f'<polyline points="{" ".join(place(s, v) for s, v in enumerate(one))}" fill="none" stroke="{colour}" stroke-width="2"/>'
                )
                body += [
                    f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3" fill="{colour}"/>'
                    for p in (place(s, v) for s, v in enumerate(one))
                ]
                body.append(
                    f'<text x="{x0 + wide + 4}" y="{place(len(one) - 1, one[-1]).split(",")[1]}" font-size="10" fill="{colour}">{one[-1]:.2f}</text>'
                )
    return _svg(40 + cell_w * columns, 60 + cell_h * math.ceil(len(rows) / columns), body)
