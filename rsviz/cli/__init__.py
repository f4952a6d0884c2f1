"""The command line: `python -m rsviz COMMAND`.

With --json the answer goes to standard output as JSON and nothing else does; progress and logs
go to standard error. The exit status is 0, 2 with one sentence on standard error for what the
user can mend, or 1 with a reference number when it is our fault.
"""

from rsviz.cli.parser import main

__all__ = ["main"]
