"""What kind of work a call did, and by what it is recognised when it is done again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from functools import lru_cache
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct

from massgen_logs.run.model import Call

MAX_CHARS = 2000
"""Longer texts are compared exactly only."""


class Work(Struct):
    """What a call did. key: equal for equal work; text: what may be compared by similarity, within bucket, or None."""

    kind: str
    key: object
    raw: str
    example: str
    cheap: bool = False
    text: str | None = None
    bucket: object = ()


def changes_of(calls: list[Call], kinds: dict[int, str]) -> dict[str, list[tuple[int, str | None, bool]]]:
    """Per agent the calls that changed files: (index, path or None for a command, is an install)."""
    found: dict[str, list[tuple[int, str | None, bool]]] = {}
    for index, call in enumerate(calls):
        rows = found.setdefault(call.agent, [])
        if call.command is not None:
            if kinds.get(index) == "install" or _shell_writes(call.command):
                rows.append((index, None, kinds.get(index) == "install"))
        elif _WRITES.search(_base(call.tool)) and not _PROTOCOL.search(_base(call.tool)):
            rows += [(index, path, False) for path in _strings(call.args, _PATHS) or [""]]
    return found


def changed_between(work: Work, after: int, before: int, changes: list[tuple[int, str | None, bool]]) -> bool:
    """True if between its two runs the agent itself changed what the second one may have had to look at anew."""
    between = [row for row in changes if after < row[0] < before]
    if work.kind == "file_read":
        return any(
            (path is None and not install) or (path is not None and path in work.raw) for _, path, install in between
        )
    if work.kind == "install":
        return any(path is not None and _MANIFEST.search(path) for _, path, _install in between)
    return work.kind == "command" and bool(between)


# ---- what a call did -----------------------------------------------------------------------------------------------

_PROTOCOL = re.compile(
    r"(?i)^(?:vote|new_answer|todo_?\w*|todowrite|todoread|(?:create|update|add|edit|delete|get|clear)_task\w*|submit_checklist|ask_others"
    r"|broadcast\w*|\w*background_(?:tool|tools|shell|shells|shell_output|tool_result|tool_status)|bashoutput|killshell|exitplanmode|toolsearch)$",
)
_LISTING = re.compile(r"(?i)^(?:list_\w+|directory_tree|get_file_info|glob|ls)$")
_MEDIA = re.compile(
    r"(?i)generate_(?:\w+_)?(?:media|image|video|audio|speech|music)|text_to_(?:\w+_)?(?:image|video|speech|audio|music|file)|image_to_image|(?:image|video)_generation",
)
_ANALYSIS = re.compile(r"(?i)^(?:read_media|understand_\w+|analy[sz]e_(?:image|video|audio))$")
_SEARCH = re.compile(
    r"(?i)web_?search|google_?search|brave|tavily|search_(?:web|google|internet)|duckduckgo|exa_search"
)
_FETCH = re.compile(r"(?i)fetch|crawl|scrape|browse|navigate|open_url|extract|^md$|screenshot|download")
_SUBAGENT = re.compile(r"(?i)^(?:spawn_subagents?|task|agent)$")
_READS = re.compile(r"(?i)^(?:read|view|cat|read_(?:text_|multiple_|media_)?files?(?:_\w+)?|view_file|notebookread)$")
_WRITES = re.compile(
    r"(?i)^(?:write\w*|multiedit|edit\w*|notebookedit|codex_file_edit|apply_patch|(?:create|move|copy|delete|append)_\w+)$"
)
_CREATES = re.compile(r"(?i)^(?:write|write_(?:text_)?files?|create_(?:text_)?file)$")
_PATHS = ("path", "file_path", "paths", "filename", "destination", "source", "notebook_path", "image_path", "video_path", "audio_path", "image_paths", "file_paths", "inputs")  # fmt: skip
_PROMPTS = ("prompt", "prompts", "text", "task", "tasks", "description", "input")
_VARIANTS = (
    "seed", "size", "n", "duration", "duration_seconds", "aspect_ratio", "width", "height", "model", "voice", "quality", "style",
    "mode", "media_type", "input_images", "base_image_paths", "image_paths",
)  # fmt: skip
_MANIFEST = re.compile(r"package(?:-lock)?\.json|requirements\S*\.txt|pyproject\.toml|setup\.(?:py|cfg)|Cargo\.toml|go\.mod|Gemfile|environment\.ya?ml|lock$")  # fmt: skip
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_HARD = re.compile(r"[/=\\]|^-.|\w[._]\w")
"""A path, a setting, an option or a dotted name: in another tool's text such a word must be the same."""
_LOCAL = re.compile(r"^(?:localhost|127\.|0\.0\.0\.0|\[?::1|10\.|192\.168\.)")
_TEXTS = 24
"""An argument of another tool shorter than this is a setting or a name: it must be equal."""


def _base(tool: str) -> str:
    return tool.rsplit("__", 1)[-1]


def _strings(args: dict[str, object], names: Iterable[str]) -> list[str]:
    """The texts under `names`, also those in lists and in lists of objects."""
    found: list[str] = []

    def walk(value: object, depth: int) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list) and depth < 3:
            for part in cast("list[object]", value):
                walk(part, depth + 1)
        elif isinstance(value, dict) and depth < 3:
            for name, part in cast("dict[str, object]", value).items():
                if name in names:
                    walk(part, depth + 1)

    for name in names:
        walk(args.get(name), 0)
    return found


def _dump(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _words(text: str) -> str:
    return " ".join(text.split())


def _signature(text: str) -> tuple[str, ...]:
    return tuple(_NUMBERS.findall(text[:MAX_CHARS]))  # longer ones are compared exactly only


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted(word for word in text[:MAX_CHARS].split() if _HARD.search(word)))


def written(args: dict[str, object]) -> str | None:
    """The text that a call's arguments write to a file, under any of the names that file tools use for it; None: none."""
    for name in ("content", "contents", "file_text", "text"):
        if isinstance(value := args.get(name), str):
            return value
    return None


def work_of(call: Call) -> Work | None:
    """What `call` did; None for protocol calls and where the arguments tell nothing."""
    if call.command is not None:
        return work_of_command(call.command, call.agent)
    tool, args = call.tool, call.args
    inner, inner_args = args.get("tool_name"), args.get("arguments")
    if tool.endswith("start_background_tool") and isinstance(inner, str) and isinstance(inner_args, dict):
        tool, args = inner, cast("dict[str, object]", inner_args)
    base = _base(tool)
    if _PROTOCOL.search(base) or "__planning" in tool:
        return None
    raw = _dump(args)
    texts = _strings(args, _PROMPTS)
    variant = _dump({name: args[name] for name in _VARIANTS if name in args})
    if _ANALYSIS.search(base):
        return Work("media_analysis", (base, raw), raw, f"{base} {' '.join(_strings(args, _PATHS)) or raw}")
    if _MEDIA.search(base) and texts:
        return _fuzzy("media", base, variant, raw, " | ".join(texts))
    if _SEARCH.search(base) and (queries := _strings(args, ("query", "queries", "q", "search_query", "search_term"))):
        return _fuzzy("web_search", "", "", raw, " | ".join(queries))
    if _FETCH.search(base) and (
        urls := [u for u in _strings(args, ("url", "urls", "uri", "start_url", "link")) if "://" in u]
    ):
        shot = base if "screenshot" in base or "pdf" in base else ""
        return _local_or_fetch(urls, shot, raw, " ".join(urls), f"{base} {' '.join(urls)}")
    if _SUBAGENT.search(base) and texts:
        return _fuzzy("subagent", base, "", raw, " | ".join(texts))
    if _READS.search(base):
        return Work("file_read", (base, raw), raw, " ".join(_strings(args, _PATHS)) or raw)
    if _CREATES.search(base) and (content := written(args)) is not None:
        name = " ".join(_strings(args, _PATHS))
        return Work("file_write", content, raw, f"{base} {name}") if content.strip() else None
    if base == "codex_file_edit":
        return None  # its record holds no content
    return _other(base, args, raw)


def _other(base: str, args: dict[str, object], raw: str) -> Work:
    """Any other tool: long texts may be similar, everything else must be equal."""
    work = Work("other", (base, raw), raw, f"{base} {raw}", cheap=bool(_LISTING.search(base)))
    long = {name: value for name, value in args.items() if isinstance(value, str) and len(value) >= _TEXTS}
    if long and not work.cheap and not _WRITES.search(base):
        text = _words(" | ".join(long[name] for name in sorted(long))).casefold()
        rest = _dump({name: value for name, value in args.items() if name not in long})
        work.text, work.bucket = text, (base, rest, _signature(text), _names(text))
    return work


def _fuzzy(kind: str, family: str, variant: str, raw: str, text: str) -> Work:
    plain = _words(text).casefold()
    return Work(
        kind, (family, variant, plain), raw, _words(text), text=plain, bucket=(family, variant, _signature(plain))
    )


def _local_or_fetch(urls: list[str], family: str, raw: str, local: str, example: str) -> Work:
    keys = sorted({_url(url) for url in urls})
    if all(_LOCAL.match(key) for key in keys):
        return Work("command", local, raw, example)
    return Work("web_fetch", (family, *keys), raw, example)


def _url(url: str) -> str:
    """Without scheme, www, fragment, tracking, a trailing slash; its query in order."""
    try:
        parts = urlsplit(url.strip())
        query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not k.startswith("utm_")]
    except ValueError:
        return url.strip()
    tail = f"?{urlencode(sorted(query))}" if query else ""
    return f"{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}{tail}"


# ---- commands ------------------------------------------------------------------------------------------------------

_CHEAP_PROGRAMS = frozenset(
    {"pwd", "ls", "echo", "printf", "date", "whoami", "hostname", "id", "uname", "true", ":", "cd", "which", "type", "env", "printenv",
     "sleep", "wait", "mkdir", "touch", "test", "[", "exit", "export", "basename", "dirname", "tree"}
)  # fmt: skip
_PRINTS = frozenset({"cat", "head", "tail", "less", "more", "nl", "bat"})
_CHANGES = frozenset({"tee", "mv", "cp", "rm", "patch", "unzip", "rsync", "ln", "install"})
_QUIET = re.compile(r"^(?:--silent|-q+|--quiet|-y|--yes|--no-audit|--no-fund|--no-progress|--progress=\S+|--loglevel=\S+|-s|--no-cache-dir|--assume-yes|--verbose|-v+)$")  # fmt: skip
_ALIAS = {"i": "install", "pip3": "pip", "apt-get": "apt", "add": "install", "ci": "ci"}
_INSTALLS: tuple[tuple[str, ...], ...] = (
    *((m, v) for m in ("npm", "pnpm", "yarn", "bun") for v in ("install", "i", "ci", "add")),
    *((m, "install") for m in ("pip", "pip3", "pipx", "apt", "apt-get", "brew", "cargo", "gem", "go", "conda", "mamba", "dnf", "yum",
                               "poetry", "bundle", "playwright")),
    ("uv", "pip", "install"), ("uv", "pip", "sync"), ("uv", "sync"), ("uv", "add"), ("uv", "tool", "install"), ("poetry", "add"),
    ("cargo", "add"), ("go", "get"), ("apk", "add"), ("npx", "playwright", "install"), ("composer", "install"),
)  # fmt: skip


def work_of_command(command: str, agent: str = "") -> Work:
    """What a shell command of `agent` does."""
    plain = _words(command)
    parts = _segments(command)[0]
    if installs := sorted({" ".join(found) for part in parts if (found := _install(part))}):
        return Work("install", tuple(installs), command, plain)
    if skills := sorted({" ".join(part[2:]) for part in parts if part[:2] == ("openskills", "read")}):
        return Work("skill", tuple(skills), command, plain)
    fetched = [urls for part in parts if (urls := _fetched(part))]
    if fetched:
        return _local_or_fetch([url for urls in fetched for url in urls], "", command, plain, plain)
    if len(parts) == 1 and (parts[0][0] in _PRINTS or parts[0][:2] == ("sed", "-n")) and len(parts[0]) > 1:
        own = "" if parts[0][-1].startswith("/") else agent  # a relative path is in the agent's own workspace
        return Work("file_read", (own, plain), command, plain)
    return Work(
        "command", plain, command, plain, cheap=bool(parts) and all(part[0] in _CHEAP_PROGRAMS for part in parts)
    )


@lru_cache(maxsize=65_536)
def _segments(command: str) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """The simple commands of a shell line (heredoc bodies left out), and whether one redirects into a file."""
    if (at := command.find("<<")) >= 0 and (end := command.find("\n", at)) >= 0:
        command = command[:end]
    lexer = shlex.shlex(command[:20_000], posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        tokens = command.split()
    parts: list[list[str]] = [[]]
    writes = target = False
    redirect = ""
    for token in tokens:
        if target:
            target = False
            writes = writes or (">" in redirect and not token.isdigit() and token not in {"/dev/null", "-"})
        elif token and set(token) <= set("<>&") and set(token) & set("<>"):
            target, redirect = True, token
            if parts[-1] and parts[-1][-1] in {"1", "2"}:
                parts[-1].pop()
        elif token and set(token) <= set("();|&\n"):
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(tuple(found) for part in parts if (found := _bare(part))), writes


def _bare(words: list[str]) -> list[str]:
    """Without leading assignments and wrappers."""
    words = list(words)
    while words and (re.match(r"\w+=", words[0]) or words[0] in {"sudo", "time", "nohup", "exec", "timeout"}):
        if words.pop(0) == "timeout" and words:
            words.pop(0)
    return words


def _install(words: tuple[str, ...]) -> list[str] | None:
    """Manager, verb and sorted packages of an install; None for anything else."""
    if len(words) > 3 and words[0].startswith("python") and words[1:3] == ("-m", "pip"):
        words = ("pip", *words[3:])
    plain = [word for word in words if not _QUIET.match(word)]
    for start in _INSTALLS:
        if tuple(plain[: len(start)]) == start:
            return [*(_ALIAS.get(word, word) for word in start), *sorted(plain[len(start) :])]
    return ["yarn", "install"] if plain == ["yarn"] else None


def _fetched(words: tuple[str, ...]) -> list[str]:
    """URLs that curl, wget or git clone gets; none where something is sent."""
    clone = words[:2] == ("git", "clone")
    if words[0] not in {"curl", "wget"} and not clone:
        return []
    if any(re.match(r"-X|--request|-d$|--data|-F$|--form|-T$|--upload-file|--post-", word) for word in words):
        return []
    return [word for word in words[1:] if "://" in word]


def _shell_writes(command: str) -> bool:
    """True if the command surely changes files: a redirection, sed -i, tee, mv, git apply and their like."""
    parts, writes = _segments(command)
    return writes or any(
        part[0] in _CHANGES
        or (part[0] in {"sed", "perl"} and any(word.startswith("-i") for word in part))
        or (
            part[0] == "git"
            and len(part) > 1
            and part[1] in {"apply", "checkout", "pull", "stash", "reset", "merge", "clone"}
        )
        for part in parts
    )
