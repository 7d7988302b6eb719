"""Masking covers every pattern of detect-secrets, the kept library of patterns: samples are drawn from its expressions."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
from typing import Any

import detect_secrets.plugins
import pytest
from detect_secrets.plugins.base import RegexBasedDetector
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from massgen_logs.text.mask import Masker
from security.planted import private_key

NO_SECRETS = {"IPPublicDetector"}
"""Addresses are none: without them a log can't be read."""
LEAST = 16
"""Characters: what a loose pattern finds in less is a word (AP1abcdefgh, sk-1)."""


HOSTS = re.compile(r"(?i)https?://(?:hooks.slack.com/services|api.softlayer.com/soap/v3(?:.1)?)")
"""Written in lower case wherever they are copied from."""


def detectors() -> list[type[RegexBasedDetector]]:
    """Every detector of the library that works by patterns."""
    for module in pkgutil.iter_modules(detect_secrets.plugins.__path__):
        importlib.import_module(f"detect_secrets.plugins.{module.name}")
    found: list[type[RegexBasedDetector]] = []
    todo: list[Any] = [RegexBasedDetector]
    while todo:
        for kind in todo.pop().__subclasses__():
            todo.append(kind)
            if kind.__module__.startswith("detect_secrets.plugins") and isinstance(
                getattr(kind, "denylist", None), list | tuple
            ):
                found.append(kind)
    return sorted((k for k in found if k.__name__ not in NO_SECRETS), key=lambda kind: kind.__name__)


PATTERNS = [(kind, pattern) for kind in detectors() for pattern in kind().denylist]


@pytest.mark.parametrize(("kind", "pattern"), PATTERNS, ids=[f"{k.__name__}-{i}" for i, (k, _) in enumerate(PATTERNS)])
def test_what_the_library_finds_is_masked(kind: type[RegexBasedDetector], pattern: re.Pattern[str]) -> None:
    """Whatever text a pattern accepts: no secret that the library finds in it stays."""
    if kind.__name__ == "PrivateKeyDetector":
        name = pattern.pattern.removeprefix("BEGIN ")
        key = (
            private_key(1, name)
            if "PuTTY" not in name
            else f"{name}: ssh-rsa\nPrivate-Lines: 2\n" + "\n".join(private_key(1).split("\n")[1:-1])
        )
        assert not any(line in Masker().text(key) for line in key.split("\n")[3:-1])
        return

    @settings(
        max_examples=8,
        phases=[Phase.generate],
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.from_regex(
            pattern, fullmatch=True, alphabet=string.ascii_letters + string.digits + "_-./+=:,;@!#$%^&*(){}[]<>\"' "
        )
    )
    def drawn(sample: str) -> None:
        text = ("https" if sample.startswith("://") else "") + sample
        text = HOSTS.sub(lambda match: match[0].lower(), text)
        for secret in kind().analyze_string(text):
            value = secret.strip("\"' =:")
            if len(value) >= LEAST and " " not in value and not value.startswith("$"):
                assert value not in Masker().text(text), text

    drawn()


def test_the_library_has_patterns() -> None:
    """Else the test above tests nothing."""
    assert len(PATTERNS) >= 40
