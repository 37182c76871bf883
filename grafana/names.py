"""The uids and titles under which everything is kept in Grafana.

Links, provisioning files and other tools refer to them: a uid is never changed. Up to version 11.2 no
dashboard may have the title of any folder, so the folder is not called like its dashboard.
"""

from __future__ import annotations

DATASOURCE_UID = "trading-prometheus"
DATASOURCE_NAME = "Trading Prometheus"
FOLDER_UID = "trading"
FOLDER_TITLE = "Trading exporter"
TAG = "trading"
