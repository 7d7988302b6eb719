"""One module per backend dialect; chosen per agent, by the backend type of its config."""

from __future__ import annotations

from massgen_logs.run.backends import chatcompletion, claude, claude_code, codex, gemini, generic, openai
from massgen_logs.run.backends.dialect import Dialect

KNOWN: tuple[Dialect, ...] = tuple(
    module.DIALECT for module in (chatcompletion, openai, claude, claude_code, gemini, codex)
)
_BY_TYPE = {dialect.name: dialect for dialect in KNOWN}
GENERIC = generic.DIALECT


def choose(backend: str | None) -> Dialect:
    """The dialect of a backend type; the generic one for a type that nobody has seen, and where none is recorded."""
    return _BY_TYPE.get(backend or "", GENERIC)
