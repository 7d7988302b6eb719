"""The draft of a report: every measured part filled from the analyses, a marked place for each judgement."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex

from msgspec.structs import replace

from massgen_logs.report.agents import behaviour_section
from massgen_logs.report.closing import costs_section, end_section, errors_section
from massgen_logs.report.gaps import own
from massgen_logs.report.material import EVERY, Material
from massgen_logs.report.opening import correctness_section, overview_section
from massgen_logs.report.quality import QUALITY, quality_section
from massgen_logs.report.structure import SECTIONS, TITLE
from massgen_logs.report.work import command_section, duplication_section, efficiency_section
from massgen_logs.text.clean import clean, unbroken

_ROWS = (10, 8, 6, 4, 3, 2, 1)
_LONG = 22_000
"""Characters under which a draft stays if fewer rows a table can make it so: with its frame 6,000 tokens of 4 characters."""
_FEW = 4
_LONGEST = 34_000
"""A large run's draft may have these rather than fewer rows a table: an answer is never above 40,000."""


def draft(material: Material, generated: datetime | None = None) -> str:
    """The whole draft as Markdown, with as many rows a table as fit; what is cut is announced. Marked places are numbered.

    Args:
        material: the run's analyses.
        generated: time of the report; default: now.
    """
    text, word = "", token_hex(6)
    material = replace(material, say=replace(material.say, word=word))
    for most in _ROWS:
        text = render(replace(material, most=most), generated)
        if len(text) <= (_LONG if most > _FEW else _LONGEST):
            break
    return own(text, word)


def measured(material: Material) -> str:
    """The draft with every row of every table: what a report's figures are compared with."""
    return render(replace(material, most=EVERY), None)


def template() -> str:
    """All headings of a report, in order, without the facts of any run."""
    parts = [TITLE]
    for title, inner in ((QUALITY, ()), *SECTIONS):
        parts += [f"## {title}", *(f"### {name}" for name in inner)]
        if title.startswith("9."):
            parts.append("| Priority | Title | Description | Labels | ID |\n|---|---|---|---|---|")
    return "\n\n".join(parts) + "\n"


def render(m: Material, generated: datetime | None) -> str:
    """The whole draft with `m.most` rows a table."""
    say, run = m.say, m.run
    when = (generated or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    bodies = {
        **quality_section(m),
        **overview_section(m),
        **correctness_section(m),
        **efficiency_section(m),
        **command_section(m),
        **duplication_section(m),
        **behaviour_section(m),
        **costs_section(m),
        **errors_section(m),
        **end_section(m),
    }
    bodies = {name: _apart(name, body) for name, body in bodies.items()}
    lines = [
        f"# {say.heading(TITLE[2:])}", "",
        say(
            "**Session:** {session}, turn {turn}, attempt {attempt} of {attempts}  ",
            session=run.session, turn=run.turn, attempt=run.attempt, attempts=run.attempts,
        ),
        say("**Trace ID:** not queried  "),
        say("**Generated:** {when} (draft measured by massgen-logs)  ", when=when),
        say("**Logfire Link:** none"),
    ]  # fmt: skip
    for title, parts in ((QUALITY, ()), *SECTIONS):
        lines += ["", f"## {say.heading(title)}", *bodies.get(title, [])]
        for part in parts:
            lines += ["", f"### {say.heading(part)}", *bodies.get(f"{title}/{part}", [])]
        for name, body in bodies.items():
            if name.startswith(f"{title}/+"):
                lines += ["", f"### {say.heading(name.split('/+', 1)[1])}", *body]
    return clean("\n".join(unbroken(lines))) + "\n"


def _apart(name: str, body: list[str]) -> list[str]:
    """An empty line between a table and the text above it, without which some renderers see none, and below it, which would
    become a row; not before the mark of section 9, in whose place rows may come."""
    if name.startswith("9."):
        return body
    found: list[str] = []
    for line in body:
        if found and found[-1] and line and (found[-1][0] == "|") != (line[0] == "|"):
            found.append("")
        found.append(line)
    return found
