"""Secrets out of everything that leaves. MassGen redacts from 0.1.76 on only, and only some files.

A secret becomes `[masked:KIND#N]`; the same secret has the same N within one answer, so that equality stays visible.
Patterns follow the public formats of the providers (as collected by detect-secrets and gitleaks).
"""

from __future__ import annotations

import dataclasses
import re
from typing import cast

_VALUE = r"[^\s;&|\"'`<>\\)\]}]"
_NAME = r"(?:(?:[A-Z0-9]+_)*(?:API_?|SECRET_?|ACCESS_?|PRIVATE_?|[A-Z0-9]+_)KEY|(?<![A-Z0-9_])KEY|[A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD)|(?:[A-Z0-9]+_)*CREDENTIALS?)"
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
    ("authorization", re.compile(r"(?i)\bauthorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:bearer|basic|token)?\s*([A-Za-z0-9._~+/=-]{8,})")),
    ("authorization", re.compile(r"(?i)\b(?:bearer|basic)\s+((?=[A-Za-z0-9._~+/-]*[0-9=])[A-Za-z0-9._~+/-]{16,}={0,2})")),
    ("url-password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@\"']{0,100}:([^\s@/\"']{1,200})@")),
    # NAME_KEY="quoted value", then NAME_KEY=bare: upper case is a variable, whatever its value
    ("assignment", re.compile(rf"\b{_NAME}=\\?([\"'])((?:(?!\1).){{1,400}}?)\\?\1")),
    ("assignment", re.compile(rf"\b{_NAME}=({_VALUE}+)")),
    # "name": "value" and name: value, in any case
    ("assignment", re.compile(
        r"(?i)[\"'][a-z0-9_.-]*(?:api[_-]?key|secret|access[_-]?key|private[_-]?key|(?<!max_)(?<!_)token|(?:access|auth|refresh|id|bot)[_-]token"
        r"|password|passwd)\\?[\"']\s*[:=,]\s*\\?[\"']([^\"'\\\n]{3,400})\\?[\"']")),
    ("assignment", re.compile(
        r"(?i)\b[a-z0-9_-]*(?:api[_-]?key|secret[_-]?key|access[_-]?key|private[_-]?key|token|secret|password|passwd)"
        r"\s*[:=]\s*\\?[\"']?((?=[^\s\"']*\d)[A-Za-z0-9_+/=.~!@#$%^*-]{8,})")),
    ("assignment", re.compile(r"(?i)\b(?:pass(?:word|wd)|pgpassword)=([^\s;&|\"'`<>\\,)\]}]+)")),
    ("option", re.compile(r"(?i)(?<!\S)--(?:[a-z]+-)?(?:token|password|passwd|api-key|secret)[= ]([^\s\"'`;|&-][^\s\"'`;|&]{3,})")),
    ("option", re.compile(r"\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[= ]?[^\s:]{1,60}:([^\s\"'`;|&]+)")),
    ("option", re.compile(r"\bmysql(?:dump|admin)?\b[^\n|;]{0,200}?\s-p([^\s\"'`;|&-][^\s\"'`;|&]*)")),
)  # fmt: skip
_ALREADY = re.compile(r"\[(?:REDACTED|masked:)")
_NO_SECRET = re.compile(r"\$\{?\w+\}?|\$\(.*|<[\w -]+>|(?i:true|false|null|none|id|name|yes|no|\d{1,4})")
"""A variable, a place holder or a plain word in the place of a secret."""
_HINT = re.compile(
    r"PRIVATE KEY|eyJ|sk-|gh[pousr]_|github_pat_|glpat-|xox|AKIA|ASIA|AGPA|AIDA|AROA|AIza|ya29|_live_|_test_|hf_|pylf_|npm_|pypi-"
    r"|gsk_|xai-|(?i:bearer|basic)\s|://|curl|mysql|(?i:key|token|secret|passw|credential|authorization)",
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
        group = match.re.groups
        secret = match[group]
        if _ALREADY.search(secret) or not secret.strip("*.x[]") or _NO_SECRET.fullmatch(secret):
            return match[0]
        number = self.seen.setdefault((kind, secret), len(self.seen) + 1)
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
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
