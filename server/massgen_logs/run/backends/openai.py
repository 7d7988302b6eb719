"""`openai` (Responses API): calls once in the trace; a log line of two votes for every single one proves nothing."""

from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect

DIALECT = Dialect("openai", command_line.command, command_line.outcome)
