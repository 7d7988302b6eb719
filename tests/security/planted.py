"""Secrets of every kind, made at run time from parts, so that the repository itself holds none."""

from __future__ import annotations

import base64
import json
import random
import string
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "-_"


def chars(rng: random.Random, alphabet: str, n: int) -> str:
    """Random characters, a digit and a letter always among the first eight and the last eight."""
    made = [rng.choice(alphabet) for _ in range(n)]
    letters = [c for c in alphabet if c.isalpha()]
    for at in (1, -3):
        made[at] = rng.choice("23456789")
        made[at + 1] = rng.choice(letters)
    made[0], made[-1] = rng.choice(letters), rng.choice(letters)
    return "".join(made)


# kind as the mask names it (None: any), prefix, alphabet, characters, suffix
TOKENS: tuple[tuple[str, str, str, int, str], ...] = (
    ("anthropic", "sk-" + "ant-api03-", URLSAFE, 93, "AA"), ("openai", "sk-" + "proj-", URLSAFE, 74, ""),
    ("openai", "sk-", ALNUM, 48, ""), ("openrouter", "sk-" + "or-v1-", HEX, 64, ""), ("langfuse", "sk-" + "lf-", HEX, 32, ""),
    ("google", "AI" + "za", URLSAFE, 35, ""), ("google-oauth", "GOC" + "SPX-", URLSAFE, 28, ""), ("google-oauth", "ya" + "29.", URLSAFE, 60, ""),
    ("aws-id", "AK" + "IA", string.ascii_uppercase + "234567", 16, ""), ("azure", "abC" + "8Q~", ALNUM, 34, ""),
    ("github", "gh" + "p_", ALNUM, 36, ""), ("github", "github" + "_pat_", ALNUM, 60, ""), ("gitlab", "gl" + "pat-", URLSAFE, 20, ""),
    ("slack", "xo" + "xb-123456789012-", ALNUM, 24, ""), ("slack", "xa" + "pp-1-", ALNUM, 40, ""), ("stripe", "sk" + "_live_", ALNUM, 24, ""),
    ("stripe", "wh" + "sec_", ALNUM, 32, ""), ("twilio", "S" + "K", HEX, 32, ""), ("sendgrid", "S" + "G.Abcdefgh1jklmnopqrstuv.", URLSAFE, 43, ""),
    ("npm", "np" + "m_", ALNUM, 36, ""), ("pypi", "py" + "pi-AgEIcHlwaS5vcmc", URLSAFE, 80, ""), ("huggingface", "h" + "f_", ALNUM, 34, ""),
    ("groq", "gs" + "k_", ALNUM, 52, ""), ("xai", "xa" + "i-", ALNUM, 80, ""), ("perplexity", "pp" + "lx-", ALNUM, 48, ""),
    ("replicate", "r" + "8_", ALNUM, 37, ""), ("nvidia", "nv" + "api-", URLSAFE, 60, ""), ("cerebras", "cs" + "k-", HEX, 48, ""),
    ("tavily", "tv" + "ly-", ALNUM, 32, ""), ("logfire", "py" + "lf_v1_us_", ALNUM, 43, ""), ("telegram", "123456789" + ":", URLSAFE, 35, ""),
    ("discord", "M" + "Tk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.", URLSAFE, 27, ""), ("linear", "li" + "n_api_", ALNUM, 40, ""),
    ("notion", "nt" + "n_", ALNUM, 46, ""), ("databricks", "da" + "pi", HEX, 32, ""), ("digitalocean", "do" + "p_v1_", HEX, 64, ""),
    ("vault", "hv" + "s.", URLSAFE, 90, ""), ("terraform", "Abc1defGhijklm" + ".atlasv1.", URLSAFE, 64, ""), ("shopify", "shp" + "at_", HEX, 32, ""),
    ("doppler", "dp" + ".pt.", ALNUM, 43, ""), ("figma", "fi" + "gd_", URLSAFE, 40, ""), ("newrelic", "NR" + "AK-", string.ascii_uppercase + "23456", 27, ""),
    ("grafana", "gl" + "sa_", ALNUM, 40, ""), ("docker", "dc" + "kr_pat_", URLSAFE, 27, ""), ("atlassian", "AT" + "ATT3", URLSAFE, 80, ""),
    ("airtable", "pat" + "Abc1defGhijklm.", HEX, 64, ""), ("postman", "PM" + "AK-" + "0a1b2c3d4e5f6a7b8c9d0e1f-", HEX, 34, ""),
    ("mailchimp", "", HEX, 32, "-us" + "12"), ("mailgun", "ke" + "y-", HEX, 32, ""), ("planetscale", "psc" + "ale_tkn_", URLSAFE, 40, ""),
)  # fmt: skip
CONTEXTS: tuple[tuple[str, str], ...] = (
    ("assignment", "export DB_PASSWORD={}"), ("assignment", "MY_SERVICE_TOKEN={} ./run"), ("assignment", 'SIGNING_SECRET="{}"'),
    ("assignment", "AWS_SECRET_ACCESS_KEY={}"), ("assignment", "db_password: {}"), ("assignment", '{{"client_secret": "{}"}}'),
    ("assignment", "api_key = '{}'"), ("assignment", "auth_token: str = \"{}\""), ("assignment", "'password': '{}'"),
    ("assignment", "<password>{}</password>"), ("assignment", '{{"name": "STRIPE_KEY", "value": "{}"}}'),
    ("authorization", "Authorization: Bearer {}"), ("authorization", "curl -H 'X-Api-Key: {}' https://a.example"),
    ("authorization", "-H \"Authorization: Basic {}\""), ("option", "deploy --api-key {} --now"), ("option", "curl -u admin:{} https://a.example"),
    ("option", "mysql -u root -p{} db"), ("url-password", "postgresql://app:{}@db.example:5432/x"), ("url-password", "redis://:{}@cache.example/0"),
    ("url-parameter", "https://a.example/v1?user=x&api_key={}&n=1"), ("cookie", "Cookie: theme=dark; session={}"),
)  # fmt: skip
"""A value that only what stands around it shows to be a secret."""


def tokens(seed: int, times: int = 1) -> list[tuple[str, str]]:
    """(kind, secret) of every provider, `times` each."""
    rng = random.Random(seed)
    made = [
        (kind, head + chars(rng, alphabet, n) + tail) for _ in range(times) for kind, head, alphabet, n, tail in TOKENS
    ]
    made += [("jwt", jwt(rng)) for _ in range(times)]
    return made


def in_context(seed: int) -> list[tuple[str, str, str]]:
    """(kind, secret, the text around it)."""
    rng = random.Random(seed)
    return [(kind, secret, around.format(secret)) for kind, around in CONTEXTS for secret in [chars(rng, ALNUM, 26)]]


def jwt(rng: random.Random) -> str:
    """Three parts of base64, as servers sign them."""
    head, body = (
        base64.urlsafe_b64encode(json.dumps(d).encode()).decode().rstrip("=")
        for d in ({"alg": "HS256"}, {"sub": chars(rng, ALNUM, 12)})
    )
    return f"{head}.{body}.{chars(rng, URLSAFE, 43)}"


def private_key(seed: int, what: str = "RSA PRIVATE KEY") -> str:
    """A PEM block of random lines."""
    rng = random.Random(seed)
    lines = [chars(rng, ALNUM + "+/", 64) for _ in range(12)] + [chars(rng, ALNUM, 30) + "=="]
    return "\n".join([f"-----BEGIN {what}-----", *lines, f"-----END {what}-----"])


def escaped(text: str, times: int = 1) -> str:
    """As it stands inside a JSON string."""
    for _ in range(times):
        text = json.dumps(text)[1:-1]
    return text


def encoded(text: str) -> str:
    """As it stands in a query string."""
    return quote(text, safe="")


def wrapped(text: str, at: int) -> str:
    """With a line break inside."""
    return text[:at] + "\n" + text[at:]


def traces(secret: str, text: str) -> list[str]:
    """What of a secret stands in a text: any stretch of 12 characters, without the provider's prefix."""
    body = secret if len(secret) < 24 else secret[12:]
    return sorted({body[i : i + 12] for i in range(max(1, len(body) - 11)) if body[i : i + 12] in text})
