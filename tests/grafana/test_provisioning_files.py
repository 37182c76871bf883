"""The files that Grafana reads at its own start say the same as the provisioning command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from grafana import provision
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDER_TITLE, FOLDER_UID

FOLDER = Path(provision.__file__).parent / "provisioning"


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def test_data_source_is_that_of_the_command() -> None:
    """The file's data source has the command's name, uid and settings; its URL comes from the environment."""
    (source,) = _read("datasources/prometheus.yml")["datasources"]
    assert (source["name"], source["uid"], source["type"]) == (DATASOURCE_NAME, DATASOURCE_UID, "prometheus")
    assert (source["access"], source["url"]) == ("proxy", "${PROMETHEUS_URL}")
    assert source["jsonData"] == {"httpMethod": "POST", "timeInterval": "5s"}


def test_dashboards_go_into_the_same_folder() -> None:
    """The file's provider fills the command's folder and allows no edits."""
    (provider,) = _read("dashboards/trading.yml")["providers"]
    assert (provider["folder"], provider["folderUid"]) == (FOLDER_TITLE, FOLDER_UID)
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    assert provider["options"] == {"path": "${TRADING_DASHBOARDS_PATH}"}


def test_nothing_else_is_taken_from_the_environment() -> None:
    """Two variables are all that whoever starts Grafana must set."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.yml")))
    assert set(re.findall(r"\$\{?(\w+)", text)) == {"PROMETHEUS_URL", "TRADING_DASHBOARDS_PATH"}


def test_compose_sets_both_variables() -> None:
    """The compose file gives Grafana both variables, and mounts the dashboards where one of them says."""
    compose = yaml.safe_load((FOLDER.parents[1] / "docker-compose.yml").read_text(encoding="utf-8"))
    service = compose["services"]["grafana"]
    assert service["environment"]["PROMETHEUS_URL"].startswith("http://prometheus:")
    path = service["environment"]["TRADING_DASHBOARDS_PATH"]
    mounts = [volume.split(":")[:2] for volume in service["volumes"]]
    assert ["./grafana/json", path] in mounts
    assert ["./grafana/provisioning", "/etc/grafana/provisioning"] in mounts
