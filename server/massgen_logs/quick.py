r"""A first look at long texts: regular expressions of pydantic's Rust core, some forty times faster than `re`.

They know neither what stands around a match nor what was matched before (no lookaround, no back reference), and their
`\s` lacks the separators U+001C to U+001F: so a look by them must find more than the pattern of `re` it stands for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

_LEAST, _IMPORT = 2000, 10_000
"""Characters from which a look pays: where the library is there already, and where it must be imported first."""


def pays(text: str) -> bool:
    """Whether a quick look at a text takes less time than it may save."""
    return len(text) > (_LEAST if "pydantic_core" in sys.modules else _IMPORT)


def looker(pattern: str) -> Callable[[str], bool]:
    """Tells whether a pattern is in a text, which must be valid (see `valid`)."""
    from pydantic_core import SchemaValidator  # here: a list of logs needs it not

    return SchemaValidator({"type": "str", "pattern": pattern}).isinstance_python


def valid(text: str) -> str:
    """The text without lone surrogates, which Rust knows not; of the same length."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
