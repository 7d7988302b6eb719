"""Settings of a run's config as dotted keys, and where two or more configs differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct

MOST_SETTINGS = 2000
"""Plain settings of one config that are compared; YAML aliases can make a small file a huge config."""
_DEEPEST = 12


class Setting(Struct, frozen=True):
    """A setting that differs: its value by run; a run in `unset` has a config without it."""

    key: str
    values: dict[str, object]
    unset: list[str]


def flatten(value: object, prefix: str = "") -> dict[str, object]:
    """A config as dotted keys to plain values: texts, numbers, flags, null, and lists of these.

    Other lists get the index as a part of the key. At most MOST_SETTINGS keys; deeper nesting than 12 is left out.
    """
    found: dict[str, object] = {}
    waiting: list[tuple[str, object, int]] = [(prefix, value, 0)]
    steps = 0
    while waiting and len(found) < MOST_SETTINGS and steps < 10 * MOST_SETTINGS:
        steps += 1
        key, item, depth = waiting.pop()
        inner = _children(item)
        if inner is None:
            found[key] = _plain(item)
        elif depth < _DEEPEST:
            children = [(f"{key}.{name}" if key else name, child, depth + 1) for name, child in inner]
            waiting.extend(reversed(children[:MOST_SETTINGS]))
    return found


def _children(item: object) -> list[tuple[str, object]] | None:
    """Keys and values of a mapping, indexes and items of a list that isn't plain; None for a plain value."""
    if isinstance(item, dict):
        return [(str(name), child) for name, child in cast("dict[object, object]", item).items()]
    items = cast("list[object]", item) if isinstance(item, list) else []
    if any(isinstance(child, dict | list) for child in items):
        return [(str(index), child) for index, child in enumerate(items)]
    return None


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def differences(configs: Mapping[str, Mapping[str, object]]) -> list[Setting]:
    """The settings that are not the same in all of two or more configs, in the order of their first appearance."""
    found: list[Setting] = []
    if len(configs) < 2:
        return found
    for key in dict.fromkeys(name for config in configs.values() for name in config):
        values = {run: config[key] for run, config in configs.items() if key in config}
        # repr: True is not 1, and "1" is not 1
        if len(values) < len(configs) or len({repr(value) for value in values.values()}) > 1:
            found.append(Setting(key, values, [run for run in configs if run not in values]))
    return found
