"""``python -m grafana.provision``."""

import sys

from grafana.provision.command import main

sys.exit(main())
