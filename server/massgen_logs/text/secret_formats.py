"""What a secret looks like: the formats of the providers.

Kept here and not imported from a library. detect-secrets (1.5.0, the kept library with the widest use) imports requests
with its plug-ins (0.3 s, more than a whole listing takes), looks at one line at a time and names no place in it, was last
released in May 2024, and of the AI providers knows one old OpenAI format. CredSweeper brings more than 40 packages with
onnxruntime; gitleaks, betterleaks and kingfisher are programs or bindings of such, made to scan repositories. So the formats stand here,
after detect-secrets and the rules of gitleaks, and tests/text/test_kept_source.py draws samples of every pattern of
detect-secrets (a dev dependency) and fails for one that stays unmasked.

Every quantifier before a part that can fail is bounded, so that no text costs more than linear time.
"""

from __future__ import annotations

import re

_LEFT = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2}))"
"""Where a token may begin; the n of an escaped newline and the hex of an URL escape belong to none."""

# kind, words of which every such text holds one (None: LOOSE and DOTTED tell), pattern whose last group or whole is the secret
_FORMATS: tuple[tuple[str, str | None, str], ...] = (
    ("anthropic", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{8,}"),
    ("openrouter", "sk-or-", r"sk-or-[A-Za-z0-9_-]{12,}"),
    ("langfuse", "sk-lf- pk-lf-", r"[sp]k-lf-[A-Za-z0-9-]{12,}"),
    ("openai", "sk-", r"sk-(?=[A-Za-z0-9_-]{0,80}\d|[A-Za-z0-9]{20})[A-Za-z0-9_-]{16,}"),
    ("openai", "T3BlbkFJ", r"sk-[A-Za-z0-9_-]{0,400}T3BlbkFJ[A-Za-z0-9]{20}"),
    ("github", "github_pat_", r"github_pat_[A-Za-z0-9_]{20,}"),
    ("github", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9_]{20,}"),
    ("gitlab", "glpat- gldt- glft- glsoat- glrt- glcbt- glimt- glptt- glagent- gloas- glffct-", r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas|ffct)-[A-Za-z0-9_.-]{16,}"),
    ("gitlab", "GR1348941", r"GR1348941[A-Za-z0-9_-]{16,}"),
    ("slack", None, r"(?i:xox[a-z])(?:\.xox[a-z])?-(?:\d{1,20}-|[A-Za-z0-9]{6})[A-Za-z0-9-]+"),
    ("slack", "xapp-", r"xapp-\d-[A-Za-z0-9-]{10,}"),
    ("slack-webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9_+/-]{5,})"),
    ("aws-id", "AKIA ASIA A3T ABIA ACCA AGPA AIDA AROA AIPA ANPA ANVA", r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("aws-secret", "AKIA ASIA", r"(?:AKIA|ASIA)[A-Z0-9]{16}[^A-Za-z0-9/+\n]{1,10}(?:[A-Za-z_ ]{1,30}[^A-Za-z0-9/+\n]{1,8})?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"),
    ("google", "AIza", r"AIza[A-Za-z0-9_-]{30,}"),
    ("google-oauth", "ya29.", r"ya29\.[A-Za-z0-9_-]{20,}"),
    ("google-oauth", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20,}"),
    ("google-oauth", "1//0", r"1//0[A-Za-z0-9_-]{30,}"),
    ("azure", "Key=", r"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/=]{20,})"),
    ("azure", "Q~", r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    ("azure-sas", "sig=", r"[?&;]sig=([A-Za-z0-9%+/=_-]{20,})"),
    ("stripe", "k_live_ k_test_ k_prod_", r"[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,}"),
    ("stripe", "whsec_", r"whsec_[A-Za-z0-9+/=]{16,}"),
    ("twilio", None, r"(?:AC|SK)[a-z0-9]{32}(?![A-Za-z0-9])"),
    ("sendgrid", "SG.", r"SG\.[A-Za-z0-9_-]{16,100}\.[A-Za-z0-9_-]{16,}"),
    ("mailgun", None, r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("mailchimp", None, r"[0-9a-z]{32}-us[0-9]{1,2}(?![A-Za-z0-9])"),
    ("huggingface", "hf_", r"hf_[A-Za-z0-9]{20,}"),
    ("huggingface", "api_org_", r"api_org_[A-Za-z0-9]{20,}"),
    ("npm", "npm_", r"npm_[A-Za-z0-9]{30,}"),
    ("npm", "_authToken", r"_authToken\s{0,60}=\s{0,60}\"?([^\s\"$\\]{8,})"),
    ("pypi", "pypi-", r"pypi-[A-Za-z0-9_-]{30,}"),
    ("groq", "gsk_", r"gsk_[A-Za-z0-9]{20,}"),
    ("xai", "xai-", r"xai-[A-Za-z0-9]{20,}"),
    ("perplexity", "pplx-", r"pplx-[A-Za-z0-9]{20,}"),
    ("replicate", "r8_", r"r8_[A-Za-z0-9]{20,}"),
    ("fireworks", None, r"fw_[A-Za-z0-9]{20,}"),
    ("nvidia", "nvapi-", r"nvapi-[A-Za-z0-9_-]{20,}"),
    ("cerebras", "csk-", r"csk-[a-z0-9]{20,}"),
    ("tavily", "tvly-", r"tvly-[A-Za-z0-9-]{16,}"),
    ("firecrawl", None, r"fc-[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("jina", "jina_", r"jina_[A-Za-z0-9_-]{30,}"),
    ("e2b", "e2b_", r"e2b_[0-9a-f]{30,}"),
    ("elevenlabs", None, r"sk_[0-9a-f]{40,}(?![A-Za-z0-9])"),
    ("langsmith", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("logfire", "pylf_", r"pylf_[A-Za-z0-9_]{16,}"),
    ("discord", None, r"[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"),
    ("discord-webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d{5,25}/([A-Za-z0-9_-]{20,})"),
    ("telegram", None, r"\d{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("linear", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}"),
    ("notion", "ntn_", r"ntn_[A-Za-z0-9]{20,}"),
    ("notion", "secret_", r"secret_[A-Za-z0-9]{40,}"),
    ("databricks", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?(?![A-Za-z0-9])"),
    ("digitalocean", "doo_v1_ dop_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{32,}"),
    ("doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{20,}"),
    ("vault", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("terraform", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}"),
    ("shopify", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("square", "sq0csp- sq0atp- sq0idp-", r"sq0(?:csp|atp|idp)-[0-9A-Za-z\\_-]{22,}"),
    ("postman", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("figma", "figd_ figo_ figu_ figoh_ figor_", r"fig[dou]h?r?_[A-Za-z0-9_-]{20,}"),
    ("sentry", "sntrys_ sntryu_ sntrs_ sntru_", r"sntry?[su]_[A-Za-z0-9+/=_-]{20,}"),
    ("newrelic", "NRAK- NRAA- NRAL-", r"NRA[KAL]-[A-Z0-9]{27}"),
    ("grafana", "glsa_ glc_", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{30,}"),
    ("planetscale", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9=_.-]{20,}"),
    ("supabase", "sbp_ sb_secret_", r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,})"),
    ("airtable", None, r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("atlassian", "ATATT ATCTT ATBB", r"AT(?:ATT|CTT|BB)[A-Za-z0-9_=-]{20,}"),
    ("artifactory", "AKC", r"AKC[a-zA-Z0-9]{10,}"),
    ("artifactory", "AP0 AP1 AP2 AP3 AP4 AP5 AP6 AP7 AP8 AP9 APA APB APC APD APE APF", r"AP[0-9A-F](?=[a-zA-Z0-9]{0,60}\d)(?=[a-zA-Z0-9]{0,60}[a-z])[a-zA-Z0-9]{8,}(?![A-Za-z0-9_.-])"),
    ("docker", "dckr_pat_ dckr_oat_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    ("dropbox", "sl.", r"sl\.(?:u\.)?[A-Za-z0-9_-]{60,}"),
    ("heroku", "HRKU-", r"HRKU-[A-Za-z0-9_-]{30,}"),
    ("netlify", "nfp_", r"nfp_[A-Za-z0-9]{30,}"),
    ("fly", "fm1_ fm2_ fm1a_ fm1r_ fm2a_ fm2r_", r"fm[12][ar]?_[A-Za-z0-9+/=_-]{40,}"),
    ("age", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{30,}"),
    ("1password", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/_-]{40,}={0,2}"),
    ("1password", "A3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    ("rubygems", "rubygems_", r"rubygems_[0-9a-f]{40,}"),
    ("softlayer", "softlayer", r"api.softlayer.com/soap/v3(?:.1)?/([A-Za-z0-9]{64})"),
    ("facebook", None, r"EAA[A-Za-z0-9]{60,}"),
)  # fmt: skip
_JWT = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2}))(eyJ[A-Za-z0-9_=-]{8,}\.[A-Za-z0-9_=-]{4,}(?:\.[A-Za-z0-9_.+/=-]*)?)"
"""A token whose first part is JSON; it begins a run of token characters, so each run is looked at once."""

FORMATS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("jwt", ("eyJ",), _JWT),
    *(
        (kind, tuple((words or "").split()), _LEFT + (body if re.search(r"\((?!\?)", body) else f"({body})"))
        for kind, words, body in _FORMATS
    ),
)
"""(kind, words of which every such text holds one; none: LOOSE tells, pattern whose last group is the secret)."""
LOOSE = re.compile(
    r"[Xx][Oo][Xx][A-Za-z][-.]|(?:AC|SK)[a-z0-9]{32}|pat[A-Za-z0-9]{14}\Z|[0-9a-z]{32}-us[0-9]|fc-[0-9a-f]{32}|EAA[A-Za-z0-9]{60}|key-[0-9a-f]{32}|sk_[0-9a-f]{40}"
    r"|fw_[A-Za-z0-9]{20}|\d{8}:[A-Za-z0-9_-]{35}|[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.|pat[A-Za-z0-9]{14}\."
)
"""In a run of token characters: one of the formats without words of their own may stand here."""
DOTTED = re.compile(r"\d{8}:\Z|[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.\Z|pat[A-Za-z0-9]{14}\.\Z")
"""The same before a run."""
QUICK = (
    r"[Xx][Oo][Xx][A-Za-z][-.]|(?:AC|SK)[a-z0-9]{8}|pat[A-Za-z0-9]{8}|[0-9a-z]-us[0-9]|fc-[0-9a-f]{8}|EAA[A-Za-z0-9]{8}|key-[0-9a-f]{8}"
    r"|sk_[0-9a-f]{8}|fw_[A-Za-z0-9]{8}|\d{8}:[A-Za-z0-9_-]{8}|[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\."
)
"""Stands in every text that LOOSE or DOTTED is found in."""
