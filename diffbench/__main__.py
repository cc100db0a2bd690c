"""``python -m diffbench``: the command line without the script."""

import sys

from diffbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
