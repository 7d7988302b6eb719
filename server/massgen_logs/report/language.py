"""The languages of a report: headings, table headers and fixed sentences in English and Simplified Chinese.

English text is the key: `Say("zh")("None.")` is its Chinese, and a text without an entry stays as it is. Measured parts,
ids, labels and quoted words are never translated. Headings are those of the skill's template, which has both languages.
"""

from __future__ import annotations

import re

from msgspec import Struct

from massgen_logs.report.chinese import HEADINGS, SENTENCES, TABLES, TOLD

LANGUAGES = ("en", "zh")
MARK = "[[JUDGE: "
"""Opens a place that the analysing agent must fill, in either language; `]]` closes it."""

_ZH = {**SENTENCES, **TABLES, **HEADINGS}


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


class Say(Struct, frozen=True):
    """Renders fixed text in one language."""

    language: str = "en"
    word: str = ""
    """With which its marks begin, so that they are told from what a log holds (see gaps.own)."""

    def __call__(self, text: str, /, **values: object) -> str:
        """A fixed sentence with its measured parts filled in."""
        said = _ZH.get(text, text) if self.language == "zh" else text
        return said.format(**values) if values else said

    def header(self, *names: str) -> tuple[str, ...]:
        """A table's header."""
        return tuple(self(name) for name in names)

    def heading(self, title: str) -> str:
        """A heading without its marks; in Chinese "Status" the heading is not "Status" the word, so headings have their own list."""
        return HEADINGS.get(title, title) if self.language == "zh" else title

    def rest(self, shown: int, total: int, tool: str) -> list[str]:
        """The lines that announce a cut table and name the tool that has the rest; nothing if nothing was cut."""
        if total <= shown:
            return []
        return ["", self("shown {shown} of {total}; the rest: {tool}", shown=shown, total=total, tool=tool)]

    def told(self, text: str) -> str:
        """A fixed sentence of an analysis, whose measured parts are filled in already."""
        if self.language != "zh":
            return text
        for pattern, chinese in TOLD.items():
            if match := re.fullmatch(pattern, text):
                return chinese.format(*match.groups())
        return text

    def judge(self, what: str) -> str:
        """A place that the analysing agent must fill."""
        return f"{MARK}{self.word}{self(what)}]]"


def language_of(content: str) -> str:
    """The language of a report, by its title: Chinese if its first level-one heading holds Chinese characters."""
    title = re.search(r"^# +(.+)$", content, re.M)
    return "zh" if title and any("\u3400" <= char <= "\u9fff" for char in title[1]) else "en"


def plain(heading: str) -> str:
    """A heading, table header or row name for comparing: no number, mark, emphasis, space or case."""
    bare = re.sub(r"^#+\s*", "", heading.strip()).replace("*", "")
    return _bare(re.sub(r"^\d+[.、．]\s*", "", bare))


def canonical(text: str) -> str:
    """`plain` of the English of a heading, table header or row name in either language."""
    found = plain(text)
    return _EN.get(found, found)


_EN = {plain(zh): plain(en) for en, zh in {**TABLES, **HEADINGS}.items()}
