"""AGENT/STAMP/update_message.txt (0.1.12 to 0.1.28): answers that were handed to an agent while it worked.

The folder then holds neither an answer nor a vote. The numbers of its `<agentN>` tags are counted anew for each message.
"""

from __future__ import annotations

import re
from pathlib import Path

from massgen_logs.readers.base import Read, read_json, text

_NEW = re.compile(r"<(agent\d+)> ?(.*?) ?</\1>", re.S)


def read(path: Path | None) -> Read[dict[str, str]]:
    """Tag to answer text."""
    doc = read_json(path)
    return Read(dict(_NEW.findall(text(doc.value.get("content")) or "")), doc.source, doc.problems)
