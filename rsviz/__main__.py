"""The command line: python -m rsviz scenes | models | describe | run | eval | train | bench."""

import os
import sys

from rsviz.cli import main
from rsviz.jobs.lane import PATIENT

for name, value in PATIENT.items():  # before torch is loaded, which reads them
    os.environ.setdefault(name, value)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
