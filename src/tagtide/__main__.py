"""``python -m tagtide``."""

import sys

from tagtide.cli import main

if __name__ == "__main__":
    sys.exit(main())
