"""`python -m vistok`: the same as `vistok`."""

import sys

from vistok.cli import main

if __name__ == "__main__":
    sys.exit(main())
