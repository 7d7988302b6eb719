"""`openai` (Responses API): calls once in the trace; a log line of two votes for every single one proves nothing."""

from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect

DIALECT = Dialect(
    "openai",
    command_line.command,
    command_line.outcome,
    caveats=(
        "openai: reasoning is recorded as the API's summaries; a response that the API broke off may leave no record of its error",
    ),
)
