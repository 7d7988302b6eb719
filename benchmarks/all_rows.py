"""All pages of list_logs, as an agent would ask for them in one server; prints the number of rows."""

from __future__ import annotations

import sys

from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

tool, cursor, shown = get("list_logs"), None, 0
while True:
    answer = call(tool, {"logs_dir": sys.argv[1], "limit": 1000, "cursor": cursor})
    answer.text()
    assert answer.page is not None
    shown += answer.page.shown
    cursor = answer.page.next_cursor
    if cursor is None:
        break
print(shown)
