"""`python -m benchmarks`; it must never do more than hand over to the command line."""

from __future__ import annotations

import sys

from benchmarks.cli import main

if __name__ == "__main__":
    sys.exit(main())
