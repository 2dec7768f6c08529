"""`python -m export.deploy`."""

import sys

from export.deploy.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
