"""`chatcompletion` and the many providers that MassGen reaches through it: the command server's dialect as it is."""

from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect

DIALECT = Dialect("chatcompletion", command_line.command, command_line.outcome)
