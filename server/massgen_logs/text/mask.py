"""Secrets out of everything that leaves. MassGen redacts from 0.1.76 on only, and only some files.

A secret becomes `[masked:KIND#N]`; the same secret has the same N within one answer, so that equality stays visible.
Patterns follow the public formats of the providers (as collected by detect-secrets and gitleaks).
"""

from __future__ import annotations

import dataclasses
import re
from typing import cast

_VALUE = r"[^\s;&|\"'`<>\\,)\]}]"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private-key", re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))", re.S)),
    ("jwt", re.compile(r"\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)")),
    ("anthropic", re.compile(r"\b(sk-ant-[A-Za-z0-9_-]{8,})")),
    ("openai", re.compile(r"\b(sk-(?!ant-)[A-Za-z0-9_-]{16,})")),
    ("github", re.compile(r"\b((?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}))")),
    ("gitlab", re.compile(r"\b(glpat-[A-Za-z0-9_-]{16,})")),
    ("slack", re.compile(r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,})")),
    ("aws-id", re.compile(r"\b((?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16})\b")),
    ("google", re.compile(r"\b(AIza[A-Za-z0-9_-]{30,})")),
    ("google-oauth", re.compile(r"\b(ya29\.[A-Za-z0-9_-]{20,})")),
    ("stripe", re.compile(r"\b((?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,})")),
    ("huggingface", re.compile(r"\b(hf_[A-Za-z0-9]{20,})")),
    ("logfire", re.compile(r"\b(pylf_[A-Za-z0-9_]{16,})")),
    ("npm", re.compile(r"\b(npm_[A-Za-z0-9]{30,})")),
    ("pypi", re.compile(r"\b(pypi-[A-Za-z0-9_-]{30,})")),
    ("groq", re.compile(r"\b(gsk_[A-Za-z0-9]{20,})")),
    ("xai", re.compile(r"\b(xai-[A-Za-z0-9]{20,})")),
    ("authorization", re.compile(r"(?i)\b(?:authorization\\?[\"']?\s*[:=]\s*\\?[\"']?)?(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})")),
    ("url-password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@\"']{0,100}:([^\s@/\"']{1,200})@")),
    ("assignment", re.compile(
        rf"\b(?:[A-Z0-9]+_)*(?:[A-Z0-9]*KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)=\\?[\"']?({_VALUE}+)")),
    ("assignment", re.compile(
        r"(?i)\b[a-z0-9_-]*(?:api[_-]?key|secret[_-]?key|access[_-]?key|private[_-]?key|token|secret|password|passwd)"
        r"\\?[\"']?\s*[:=]\s*\\?[\"']?((?=[^\s\"']*\d)[A-Za-z0-9_+/=.~!@#$%^*-]{8,})")),
)  # fmt: skip
_ALREADY = re.compile(r"\[(?:REDACTED|masked:)")
_HINT = re.compile(
    r"PRIVATE KEY|eyJ|sk-|gh[pousr]_|github_pat_|glpat-|xox|AKIA|ASIA|AGPA|AIDA|AROA|AIza|ya29|_live_|_test_|hf_|pylf_|npm_|pypi-"
    r"|gsk_|xai-|(?i:bearer|basic)\s|://|(?i:key|token|secret|passw|credential)",
)


class Masker:
    """Masks the texts of one answer; remembers which secret got which number."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], int] = {}

    @property
    def count(self) -> int:
        """How many different secrets were masked."""
        return len(self.seen)

    def text(self, value: str) -> str:
        """`value` without its secrets."""
        if not _HINT.search(value):
            return value
        for kind, pattern in _PATTERNS:
            value = pattern.sub(lambda match, kind=kind: self._tag(match, kind), value)
        return value

    def _tag(self, match: re.Match[str], kind: str) -> str:
        secret = match[1]
        if _ALREADY.match(secret) or not secret.strip("*.x[]"):
            return match[0]
        number = self.seen.setdefault((kind, secret), len(self.seen) + 1)
        start, end = match.start(1) - match.start(), match.end(1) - match.start()
        return f"{match[0][:start]}[masked:{kind}#{number}]{match[0][end:]}"

    def value(self, value: object) -> object:
        """A JSON-like value (dataclasses too) with every text in it masked, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(k): self.value(v) for k, v in cast("dict[object, object]", value).items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in cast("list[object]", value)]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: self.value(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return value
