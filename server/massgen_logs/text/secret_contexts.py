"""Where any value is a secret: assignments, headers, URLs, command line options; and what in such a place is none."""

from __future__ import annotations

import re

_BARE = r"[^\s;&|\"'`<>\\)\]},]"
_ENV = (
    r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))(?:(?:[A-Z0-9_]{0,80}_)?(?:(?:API|SECRET|ACCESS|PRIVATE|AUTH|MASTER)?KEY|PASS|AUTH|PWD)"
    r"|[A-Z0-9_]{0,80}(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)|[A-Z0-9_]{0,80}(?:KEY|TOKEN|SECRET)_?\d{1,3})"
)
"""Upper case is a variable, whatever its value; MONKEY and TURKEY are none."""
_ANY = (
    r"(?:api[_-]?key|secret|access[_-]?key|private[_-]?key|secret[_-]?key|master[_-]?key|auth[_-]?key|token|credentials?|passphrase"
    r"|passw(?:or)?d|pwd)"
)
_NAME = _ANY.replace(
    "token", r"(?<!max_)(?<!_)token|(?:access|auth|refresh|id|bot|bearer|session|api|personal|secret)[_-]?token"
)
_Q = r"\\{0,6}[\"'`]"
_VALUE = r"((?:(?!(?P=q))[^\r\n]){1,4000})"
"""Up to the same quote, with as many backslashes as the opening one had; a text that was cut has none."""

_LONG_KEY = r"(?:api|secret|access|cloudant|cl(?:ou)?|softlayer|sl)[_-]?(?:api)?[_-]?key"
_LOOSE_OP = r"[\"'\]]{0,2}(?:[ ]{0,60}(?:::|:=|=>|[=:])|[ ])[ ]{0,60}[\"'\[]{0,2}"
_ASSIGNED = ("key", "token", "secret", "pass", "pwd", "credential", "auth")

CONTEXTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("authorization", ("authorization",), rf"(?i)authorization(?:{_Q})?\s{{0,3}}(?:[:=,]|=>)\s{{0,3}}(?:{_Q})?(?:(?:bearer|basic|token|digest|apikey)\s{{1,3}})?([A-Za-z0-9._~+/=-]{{8,}})"),
    ("authorization", ("bearer", "basic"), r"(?i)(?<![a-z0-9])(?:bearer|basic)(?:\s{1,3}|\\{1,6}n)((?=[A-Za-z0-9._~+/-]{0,60}[0-9=])[A-Za-z0-9._~+/-]{16,}={0,2})"),
    ("authorization", ("key", "token"), rf"(?i)(?<![a-z0-9])(?:x-)?(?:[a-z]{{1,20}}-){{0,3}}(?:api-?key|auth-token|access-token|subscription-key)(?:{_Q})?\s{{0,3}}:\s{{0,3}}(?:{_Q})?([A-Za-z0-9._~+/=-]{{8,}})"),
    ("cookie", ("cookie",), rf"(?i)(?<![a-z0-9])(?:set-)?cookie(?:{_Q})?\s{{0,3}}:\s{{0,3}}(?:{_Q})?(?=[^\r\n\"'\\]{{0,200}}(?:sess|token|auth|sid|jwt))([^\r\n\"'\\]{{8,2000}})"),
    ("url-password", ("//", "\\/"), r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}:(?:\\{0,4}/){2}[^\s:/@\"'\\]{0,100}:([^\s@/\"'<>]{1,200})@"),
    ("url-parameter", (*_ASSIGNED, "sig"), r"(?i)[?&](?:[a-z0-9._-]{0,30}[._-])?(?:api_?key|key|access_?key|(?:[a-z]{0,12}_?)token|secret|passw(?:or)?d|pwd|auth|signature|sig)=([^&\s\"'<>#\\)\]]{6,})"),
    ("assignment", _ASSIGNED, rf"{_ENV}=(?P<q>{_Q}){_VALUE}"),
    ("assignment", _ASSIGNED, rf"{_ENV}=({_BARE}+)"),
    ("assignment", _ASSIGNED, rf"{_ENV}[ ]?:[ ]({_BARE}{{6,}})"),
    # "name": "value", name = 'value', name: "value" in any case; an annotation may stand between
    ("assignment", _ASSIGNED, rf"(?i){_NAME}(?:{_Q})?\]?[ \t]{{0,3}}(?::[ ]?str[ ]?=|=>|:=|[:=])[ \t\n]{{0,4}}[rbf]?(?P<q>{_Q})(?=.{{3}}){_VALUE}"),
    ("assignment", _ASSIGNED, rf"(?i)[\"'][a-z0-9_.-]{{0,60}}{_NAME}(?P<q>\\{{0,6}}[\"']),[ ]?\\{{0,6}}[\"']([^\s\"'\\]{{3,400}})(?P=q)(?![ ]?:)"),
    ("assignment", ("value",), rf"(?i)name(?:{_Q})?:[ ]?(?:{_Q})?[a-z0-9_.-]{{0,60}}(?:{_NAME}|_key)(?:{_Q})?(?:,|\n)\s{{0,12}}(?:{_Q})?value(?:{_Q})?:[ ]?(?:{_Q})?([^\s\"'\\,}}]{{3,400}})"),
    ("assignment", _ASSIGNED, rf"(?i){_ANY}[\"']?\]?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}((?=[^\s\"']{{0,80}}\d)(?=[^\s\"']{{0,80}}[A-Za-z!@#$%^*])[A-Za-z0-9_+/=.~!@#$%^*-]{{8,}})"),
    ("assignment", ("pass", "pwd"), rf"(?i)(?:pass(?:word|wd|phrase)?|(?<=[;?&])pwd)=({_BARE}+)"),
    ("assignment", ("pass",), rf"(?i)(?<![a-z])pass(?:word|wd|phrase)?(?:{_Q})?:[ ]{{0,3}}((?={_BARE}{{0,40}}\d){_BARE}{{4,}})"),
    ("assignment", _ASSIGNED, r"(?im)(?:^|\\n)[ \t>-]{0,40}(?:[a-z0-9.]{1,40}[_-]){0,6}(?:passw(?:or)?d|passphrase|secret|(?:api|secret|access|private)[_-]?key|(?:auth|access|api|bot)[_-]token):[ \t]{1,4}([^\s#\"'{\[|>&*!,]\S{2,})[ \t]*$"),
    ("assignment", (" is ", " was "), r"(?i)(?<![a-z])(?:password|passphrase|secret|token|api[ _-]key)[ ](?:is|was)[ :]{0,3}[`\"']?((?=[^\s`\"',;]{0,60}\d)(?=[^\s`\"',;]{0,60}[a-z])[^\s`\"',;]{6,})"),
    ("assignment", ("</",), r"(?i)<[\w:.-]{0,40}(?:password|secret|token|api-?_?key)>([^<\s]{4,400})</"),
    ("assignment", ("auth",), rf"(?i)[\"']_?auth(?:{_Q})[ ]?:[ ]?(?:{_Q})([A-Za-z0-9+/=]{{12,}})"),
    ("assignment", ("login",), r"(?i)(?<![a-z])login[ \t\n]{1,4}\S{1,60}[ \t\n]{1,4}password[ \t]{1,4}(\S{3,})"),
    ("aws-secret", ("aws",), r"(?i)aws.{0,20}?(?:key|pwd|pw|password|pass|token).{0,20}?[\"']([0-9a-z/+]{40})[\"']"),
    ("option", ("-",), rf"(?i)(?<!\S)--?(?:[a-z]{{1,20}}-){{0,3}}(?:token|password|passwd|passphrase|api-?key|secret|secret-key|access-key)(?:=|[ ]{{1,3}})(?:{_Q})?([^\s\"'`;|&\\-][^\s\"'`;|&\\]{{3,}})"),
    ("option", ("curl", "wget", "http"), rf"(?<![A-Za-z])(?:curl|wget|http)(?![A-Za-z])[^\n|;]{{0,300}}?\s(?:-u|--user|--proxy-user|-U)[= ]?(?:{_Q})?[^\s:\"']{{1,60}}:([^\s\"'`;|&\\]+)"),
    ("option", ("mysql", "mariadb", "sshpass"), rf"(?<![a-z])(?:mysql(?:dump|admin)?|mariadb)(?![a-z])[^\n|;]{{0,200}}?\s-p(?:{_Q})?([^\s\"'`;|&\\-][^\s\"'`;|&\\]*)"),
    ("option", ("sshpass",), rf"(?<![a-z])sshpass[ ]{{1,3}}-p[ ]{{0,2}}(?:{_Q})?([^\s\"'`;|&\\-][^\s\"'`;|&\\]*)"),
    ("option", ("redis-cli", "mongo"), r"(?<![a-z])(?:redis-cli|mongo(?:sh|dump)?)(?![a-z])[^\n|;]{0,200}?\s(?:-a|-p|--password)[= ]{1,2}([^\s\"'`;|&\\-][^\s\"'`;|&\\]{2,})"),
    ("option", ("login",), r"(?<![a-z])(?:docker|podman|helm|az|npm)(?![a-z])[^\n|;]{0,120}?login[^\n|;]{0,120}?\s(?:-p|--password)[= ]{1,2}([^\s\"'`;|&\\-][^\s\"'`;|&\\]{2,})"),
    # what follows such a word is long enough to be nothing else, whatever stands between; but a hash may be a key
    ("assignment", (*_ASSIGNED, "pw"), rf"(?i)(?:pwd|pw|password|pass|token|{_LONG_KEY}){_LOOSE_OP}([A-Za-z0-9+/]{{24,4000}}={{0,2}}|[A-Za-z0-9_+/-]{{40,4000}}={{0,2}})"),
    ("assignment", ("key",), rf"(?i)key{_LOOSE_OP}((?=[A-Za-z0-9_-]{{0,80}}[G-Zg-z_-])[A-Za-z0-9_-]{{40,4000}})"),
)  # fmt: skip
"""(kind, words of which the lower-cased text holds one, pattern whose last group is the value). Quantifiers before a part
that can fail are bounded: no text costs more than linear time."""

_OP = r"(?:_?\d{1,3})?(?:\\{0,6}[\"'`])?\]?[ \t]{0,3}(?:[=:,>]|is |was )"
HINTS = tuple(
    re.compile(pattern)
    for pattern in (
        # alternatives of plain words only, and nothing before them: then re looks for their first letters alone
        rf"(?:key|token|secret|password|passwd|pass|passphrase|pwd|credential|credentials|auth|authorization|cookie){_OP}",
        r"-(?:token|password|passwd|passphrase|key|secret|p|u|a)[ ]",
        r"(?:bearer|basic|password|signature=|sig=|login|_authtoken)[\s\\=A-Za-z0-9%_\"'.:-]|aws",
        r"(?:key|pwd|pw|password|pass|token)[ \"'\]:=][ =:>\"'\]\[]{0,130}[a-z0-9_+/-]{24}",
    )
)
"""Found in the lower-cased text wherever a context can be, but for URLs (URL_HINT)."""
URL_HINT = re.compile(r":(?:\\{0,4}/){2}[^\s:/@\"'\\]{0,100}:[^\s@/\"'<>]{1,200}@")

NO_SECRET = re.compile(
    r"\$\{?\w+\}?|\$\{\{.*|\$\(.*|%\w+%|%[sd]|\{\{?[\w .()\[\]]*\}{0,2}|<[\w -]+>|\[?\.{2,}\]?|\\{0,6}|[*.xX\[\]-]+"
    r"|(?i:true|false|null|none|nil|undefined|id|name|yes|no|\d{1,4}|str|string|bytes|bool|boolean|int|integer|float|number|object|array|any"
    r"|optional|required|description|text|type|passwords?|passwd|secrets?|tokens?|keys?|value|hidden|redacted|masked|omitted|unset|empty"
    r"|unknown|not[ _]set|plain|your[\w-]*|example[\w-]*|default)"
    r"|(?:~|\.{1,2})?/[a-z0-9._-]*(?:/[a-z0-9._-]*)*|[A-Z]:\\.*"
    r"|(?:os|process|self|this|config|settings|env|args|options|req|request|response|data|result|cfg|ctx|kwargs|params|secrets)[.\[(].*"
)
"""A variable, a place holder, a type, a path, code or a plain word in the place of a secret."""
CALL = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
"""With `(` or `[` behind it in the place of a secret: code that gets one."""
OWN_OPTION = re.compile(r"workspace-token[\s\"'`,=\\]{1,8}\Z")
"""Before a value: an option of MassGen's own servers. Its value is no secret, but part of the names of folders and tools."""
ALREADY = re.compile(r"\[(?:REDACTED|MASKED|masked:?[a-z0-9-]*(?:#\d*)?)\]?")
"""MassGen's own mark and ours, also cut."""
