"""`claude` (Messages API): thinking is in no event and no display file, cache tokens are recorded in part, none priced."""

from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect

DIALECT = Dialect(
    "claude",
    command_line.command,
    command_line.outcome,
    cost_is_floor=True,
    thinking_in_trace_only=True,
    caveats=(
        "claude: thinking is in {thinking}; cache reads are not priced and cache writes not recorded, "
        "so its cost and input tokens are floors; reasoning tokens are always recorded as 0",
    ),
)
