"""compare_runs: two or more runs, turns or attempts side by side."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from msgspec.structs import replace

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.text.clean import flat, inline
from massgen_logs.text.table import counts, dollars, row_line, seconds, table
from massgen_logs.tools.base import Result, Tool

if TYPE_CHECKING:
    from massgen_logs.analysis.settings import Setting
    from massgen_logs.run.model import Run, Source
    from massgen_logs.text.mask import Masker
    from massgen_logs.tree import Place

MOST = 8
"""Runs in one comparison."""
_CHARS = 6600
"""Characters of the body by default; with sources and next calls the answer stays under 7,600."""
_NUMBERED = re.compile(r"(.+?):(\d{1,9})(?::(\d{1,9}))?")


def compare_runs(
    root: Path,
    logs: Annotated[
        list[str],
        "2 to 8 runs; each latest, a log's name, a unique prefix or any path inside it (also of another log root, absolute); "
        "NAME:turn or NAME:turn:attempt picks one",
    ],
) -> Result:
    """Put runs, turns or attempts side by side: outcome, votes, restarts, time, cost, tokens, commands, errors, red flags
    and config differences; for two runs deltas and ratios. Names what can't be compared; judges none to be better.

    Args:
        root: the log root.
        logs: see above.
    """
    from massgen_logs.analysis.comparison import Entry, compare
    from massgen_logs.analysis.settings import flatten
    from massgen_logs.run.settings import recorded_config
    from massgen_logs.tools.masking import load, masker_of

    places = _places(root, logs)
    configs = [recorded_config(place) for place in places]
    entries = [
        Entry(load(place, orders=False), None if config is None else flatten(config))
        for place, config in zip(places, configs, strict=True)
    ]
    masker = masker_of(*(entry.run for entry in entries))
    data = compare(entries)
    data = replace(data, config=[_masked(setting, masker) for setting in data.config])
    sources = [
        source for column, entry in zip(data.runs, entries, strict=True) for source in _named(column.key, entry.run)
    ]
    following = tuple(_next(place, root) for place in places[:2])
    return Result(data, next=following, sources=sources, masker=masker)


def _places(root: Path, logs: Sequence[str]) -> list[Place]:
    if not 2 <= len(logs) <= MOST:
        raise MassgenLogError(
            f"logs names {len(logs)} run{'' if len(logs) == 1 else 's'}; a comparison takes 2 to {MOST}. "
            'Give each as a log\'s name, "NAME:turn", "NAME:turn:attempt" or a path; list_logs shows them.'
        )
    places: list[Place] = []
    named: dict[str, str] = {}
    for entry in logs:
        place = _place(root, entry)
        path = str(place.attempt.path)
        if path in named:
            raise MassgenLogError(
                f"logs: {quoted(named[path])} and {quoted(entry)} are the same run ({place.session.name} turn {place.turn.number} attempt "
                f"{place.attempt.number}). Name each run once; NAME:turn:attempt picks another one of the same log."
            )
        named[path] = entry
        places.append(place)
    return places


def _place(root: Path, entry: str) -> Place:
    """The run that an entry names; a path that exists is taken as it stands, whatever colons are in it."""
    from massgen_logs.tree import resolve, root_around

    name, turn, attempt = entry, None, None
    match = None if _exists(root, entry) else _NUMBERED.fullmatch(entry)
    if match:
        name, turn, attempt = match[1], int(match[2]), int(match[3]) if match[3] else None
    own = root_around(name) if os.path.isabs(os.path.expanduser(name)) else None
    return resolve(own or root, name, turn, attempt)


def _exists(root: Path, name: str) -> bool:
    return os.sep in name and (os.path.lexists(os.path.expanduser(name)) or os.path.lexists(root / name))


def _masked(setting: Setting, masker: Masker) -> Setting:
    """Masked here, because only beside its key is `password: hunter2` a secret."""
    return replace(
        setting, values={run: _mask_beside(setting.key, value, masker) for run, value in setting.values.items()}
    )


def _mask_beside(key: str, value: object, masker: Masker) -> object:
    if isinstance(value, list):
        return [_mask_beside(key, item, masker) for item in cast("list[object]", value)]
    return masker.beside(key.rsplit(".", 1)[-1], value)


def _named(key: str, run: Run) -> list[Source]:
    from massgen_logs.run.model import Source

    return [Source(f"{key}:{source.file}", source.rows, source.unreadable) for source in run.sources]


def _next(place: Place, root: Path) -> str:
    inside = place.session.path.parent == root
    log = place.session.name if inside else str(place.session.path)
    return f'run_overview(log="{log}", turn={place.turn.number}, attempt={place.attempt.number})'


def render(data: Any) -> list[str]:
    """Which run is which, the table, what can't be compared, red flags, config differences."""
    runs, keys = data["runs"], [run["key"] for run in data["runs"]]
    width = max(24, 420 // len(runs))
    lines = [_legend(run, runs) for run in runs]
    lines.append(_question(data))
    lines += _table(data, runs, keys, width)
    limits = [
        f"- {_names(limit['what'])} ({', '.join(limit['runs'])}): {flat(limit['why'], 200)}" for limit in data["limits"]
    ]
    flags = [
        f"- {row['id']}: " + ", ".join(key if n == 1 else f"{key} ({n} x)" for key, n in row["counts"].items() if n)
        for row in data["red_flags"]
    ]
    lines += _part("can't be compared, or only with care:", limits, _CHARS * 3 // 4 - _size(lines), "limits")
    if data["shared_red_flags"]:
        lines.append(f"red flags in all: {', '.join(data['shared_red_flags'])}")
    lines += _part(
        "red flags that not all have, with those that have them:", flags, _CHARS - _size(lines) - 600, "red_flags"
    ) or ["red flags: none in one run only"]
    return lines + _config(data, keys, _CHARS - _size(lines))


def _legend(run: Any, runs: Any) -> str:
    line = f"{run['key']} = {run['session']} · turn {run['turn']} · attempt {run['attempt']} of {run['attempts']}"
    twins = [other for other in runs if other["session"] == run["session"] and other["turn"] == run["turn"]]
    same = [other for other in twins if other["attempt"] == run["attempt"]]
    return line + (f" · {flat(run['path'], 160)}" if len(same) > 1 else "")


def _question(data: Any) -> str:
    if data["same_question"]:
        return f"same question (user's words): {inline(data['runs'][0]['question'], 200)}"
    room = 480 // len(data["runs"])
    asked = "; ".join(
        f"{run['key']} {inline(run['question'], room) if run['question'] else 'not recorded'}" for run in data["runs"]
    )
    return f"{'different questions' if data['same_question'] is False else 'questions'} (users' words): {asked}"


def _table(data: Any, runs: Any, keys: list[str], width: int) -> list[str]:
    two = len(runs) == 2
    blank = ("", "") if two else ()
    rows: list[tuple[object, ...]] = [
        ("MassGen", *(run["version"] or run["version_range"] for run in runs), *blank),
        ("agents", *_same([_agents(run) for run in runs]), *blank),
        ("state", *(run["state"] for run in runs), *blank),
        ("finish", *(run["finish_reason"] for run in runs), *blank),
        ("winner", *(run["winner"] or "none" for run in runs), *blank),
        ("tally", *(counts(run["tally"]) for run in runs), *blank),
        ("started anew", *(_starts(run) for run in runs), *blank),
    ]
    for figure in data["figures"]:
        cells = [_value(figure["values"][key], figure["unit"]) for key in keys]
        rows.append((figure["id"], *cells, *(_change(figure) if two else ())))
    header = ("", *keys, *((f"{keys[1]}-{keys[0]}", f"{keys[1]}/{keys[0]}") if two else ()))
    return [*table(header, (), width), *(row_line(row, width) for row in rows)]


def _same(cells: list[str]) -> list[str]:
    return [cells[0], *("same" if cell == cells[0] else cell for cell in cells[1:])]


def _agents(run: Any) -> str:
    return (
        ", ".join(f"{a['id']} {a['backend'] or 'unknown'}/{a['model'] or 'unknown'}" for a in run["agents"]) or "none"
    )


def _starts(run: Any) -> str:
    told = [(a["id"], a["executions_restarted"]) for a in run["agents"]]
    return ", ".join(f"{name} {'unknown' if n is None else n}" for name, n in told) or "none"


def _number(value: float, unit: str) -> str:
    if unit == "USD":
        return dollars(value) if value >= 0 else "-" + dollars(-value)
    return f"{seconds(value)} s" if unit == "s" else f"{value:g}" if abs(value) < 1e6 else str(int(value))


def _value(value: Any, unit: str) -> str:
    if value["value"] is None:
        return "unknown"
    shown = ("≥ " if value["floor"] else "") + _number(value["value"], unit)
    if value["recorded"] is not None:
        return f"{shown} (recorded {_number(value['recorded'], unit)})"
    return shown if value["comparable"] or value["floor"] else f"{shown} (see below)"


def _change(figure: Any) -> tuple[str, str]:
    delta, ratio = figure["delta"], figure["ratio"]
    if delta is None:
        return "-", "-"
    sign = "+" if delta > 0 else ""
    return (sign + _number(delta, figure["unit"]) if delta else "0", "-" if ratio is None else f"{ratio:.3f}")


def _names(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _size(lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines)


def _part(title: str, rows: list[str], room: int, part: str) -> list[str]:
    """A titled list cut to `room` characters, at least three rows; the cut is announced with the part that holds all."""
    shown: list[str] = []
    for row in rows:
        if len(shown) >= 3 and _size([*shown, row]) > room:
            break
        shown.append(row)
    if not rows:
        return []
    more = [f'- {len(rows) - len(shown)} of {len(rows)} more: part="{part}"'] if len(shown) < len(rows) else []
    return [title, *shown, *more]


def _config(data: Any, keys: list[str], room: int) -> list[str]:
    of = data["config_of"]
    if not of:
        return ["config: not compared, fewer than two of these runs record one"]
    scope = "the whole recorded config, command-line options apart from backend and model not"
    if not data["config"]:
        return [f"config of {', '.join(of)}: no difference in what is compared ({scope})"]
    width = max(20, 240 // len(keys))
    rows = [f"- {flat(row['key'], 100)}: {_setting(row, of, width)}" for row in data["config"]]
    return _part(f"config differences ({scope}):", rows, room, "config")


def _setting(row: Any, keys: list[str], width: int) -> str:
    """The runs by their value; grouped by the whole value, shown cut."""
    groups: dict[str, tuple[str, list[str]]] = {}
    for key in keys:
        value = row["values"].get(key)
        shown = inline(value, width) if isinstance(value, str) else flat("null" if value is None else value, width)
        whole, shown = ("", "not set") if key in row["unset"] else (repr(value), shown)
        groups.setdefault(whole, (shown, []))[1].append(key)
    return "; ".join(f"{', '.join(of)} {shown}" for shown, of in groups.values())


TOOL = Tool("compare_runs", "Runs side by side", compare_runs, render, needs="root")
