"""``python -m exporter`` is the same as the ``trading-exporter`` command."""

import sys

from exporter.cli import main

if __name__ == "__main__":
    sys.exit(main())
