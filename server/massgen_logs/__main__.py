"""`python -m massgen_logs` is the command line."""

import sys

from massgen_logs.cli import main

sys.exit(main())
