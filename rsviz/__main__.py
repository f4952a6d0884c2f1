"""The command line: python -m rsviz scenes | models | describe | run | eval | train | bench."""

import sys

from rsviz.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
