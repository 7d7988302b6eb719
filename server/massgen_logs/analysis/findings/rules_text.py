"""Rules about text that gives orders to its reader: where it stands, and whether an agent of the run did as it says."""

from __future__ import annotations

import json

from massgen_logs.analysis.findings.rule import Finding, Rule
from massgen_logs.run.model import Planted, Run

SHORTEST = 5
"""Characters of an ordered command or address below which finding it again proves nothing."""


def followed(run: Run, planted: Planted) -> list[str] | None:
    """Places of later calls and votes that do what the text names; None if it names nothing that could be looked for."""
    checkable = False
    places: list[str] = []
    for asked in planted.asked:
        if asked.lower() in {"me", "my answer"} or asked.startswith("agent"):
            target = planted.agent if asked.lower() in {"me", "my answer"} else asked
            checkable = True
            places += [
                v.src for v in run.votes
                if v.voter != planted.agent and _later(v.t, planted) and target in {v.voted_for, v.label}
            ]  # fmt: skip
            continue
        words = " ".join(asked.split()).rstrip(".,;:!")
        if len(words) < SHORTEST:
            continue
        checkable = True
        places += [
            call.src for call in run.calls
            if call.ran and call.src != planted.src and _later(call.t, planted) and words in _said(call.command, call.args)
        ]  # fmt: skip
    return list(dict.fromkeys(places)) if checkable else None


def _later(t: float | None, planted: Planted) -> bool:
    return t is None or planted.t is None or t >= planted.t


def _said(command: str | None, args: dict[str, object]) -> str:
    return " ".join((command or json.dumps(args, ensure_ascii=False, default=str)).split())


def _by_place(run: Run) -> dict[str, list[Planted]]:
    places: dict[str, list[Planted]] = {}
    for planted in run.planted or ():
        places.setdefault(planted.src, []).append(planted)
    return places


def _planted(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for src, here in _by_place(run).items():
        said = [followed(run, planted) for planted in here]
        if any(said):
            continue
        kinds = ", ".join(dict.fromkeys(planted.kind for planted in here))
        outcome = (
            "it names no command, address or vote that could be looked for in what followed"
            if all(places is None for places in said)
            else "no later call or vote of the run does what it names"
        )
        text = f"the {_whose(here[0])} gives orders to its reader ({kinds}); {outcome}"
        found.append(rule.finding(src, text, [src], orders=len(here), followed=0))
    return found


def _followed(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for src, here in _by_place(run).items():
        places = [place for planted in here for place in followed(run, planted) or ()]
        if places:
            kinds = ", ".join(dict.fromkeys(planted.kind for planted in here))
            text = f"the {_whose(here[0])} gives orders to its reader ({kinds}), and {len(places)} later calls or votes do what it names"
            found.append(rule.finding(src, text, [src, *places], orders=len(here), followed=len(places)))
    return found


def _whose(planted: Planted) -> str:
    return planted.whose + (f" of {planted.agent}" if planted.agent else "")


RULES = (
    Rule("planted_followed", "high", "text that gives orders to its reader, and a later call or vote that does what it names",
         "patterns in run/planted.py", "another reason for that call or vote in the agent's reasoning", _followed,
         flag="planted_followed", needs=("orders",)),
    Rule("planted_orders", "medium", "text that gives orders to its reader", "patterns in run/planted.py",
         "the text in its place: a task about such text, or an example in a document", _planted, flag="planted_orders",
         needs=("orders",)),
)  # fmt: skip
