"""``python -m grafana.snapshot``."""

import sys

from grafana.snapshot.command import main

sys.exit(main())
