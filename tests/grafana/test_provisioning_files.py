"""The files that Grafana reads at its own start say the same as the provisioning command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from grafana import generate
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDERS

ROOT = Path(generate.__file__).parents[1]
FOLDER = ROOT / "grafana" / "provisioning"


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def test_data_source_is_that_of_the_command() -> None:
    """The file's data source has the command's name, uid and settings; its URL comes from the environment."""
    (source,) = _read("datasources/prometheus.yml")["datasources"]
    assert (source["name"], source["uid"], source["type"]) == (DATASOURCE_NAME, DATASOURCE_UID, "prometheus")
    assert (source["access"], source["url"]) == ("proxy", "${PROMETHEUS_URL}")
    assert source["jsonData"] == {"httpMethod": "POST", "timeInterval": "5s"}


def test_dashboards_go_into_the_same_folders() -> None:
    """The file has one provider for each folder of the command, fills it from that folder's files, allows no edits."""
    providers = _read("dashboards/trading.yml")["providers"]
    assert [(each["folderUid"], each["folder"], each["options"]["path"]) for each in providers] == [
        (folder.uid, folder.title, f"${{TRADING_DASHBOARDS_PATH}}/{folder.name}") for folder in FOLDERS
    ]
    assert len({each["name"] for each in providers}) == len(FOLDERS)
    assert {(each["type"], each["allowUiUpdates"]) for each in providers} == {("file", False)}


def test_every_folder_of_files_belongs_to_a_provider() -> None:
    """No committed dashboard lies where Grafana would not read it."""
    assert {path.parent.name for path in generate.FOLDER.rglob("*.json")} == {folder.name for folder in FOLDERS}


def test_nothing_else_is_taken_from_the_environment() -> None:
    """Two variables are all that whoever starts Grafana must set."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.yml")))
    assert set(re.findall(r"\$\{?(\w+)", text)) == {"PROMETHEUS_URL", "TRADING_DASHBOARDS_PATH"}


def test_compose_sets_both_variables() -> None:
    """The compose file gives Grafana both variables, and mounts the dashboards where one of them says."""
    service = _service()
    assert service["environment"]["PROMETHEUS_URL"].startswith("http://prometheus:")
    path = service["environment"]["TRADING_DASHBOARDS_PATH"]
    mounts = [volume.split(":")[:2] for volume in service["volumes"]]
    assert ["./grafana/json", path] in mounts
    assert ["./grafana/provisioning", "/etc/grafana/provisioning"] in mounts


def test_compose_begins_with_the_calm_summary() -> None:
    """Whoever opens Grafana without a home of their own sees the Viewer dashboard, from the mounted files."""
    service = _service()
    path = Path(service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    mounted = path.relative_to(service["environment"]["TRADING_DASHBOARDS_PATH"])
    assert (mounted.stem, (generate.FOLDER / mounted).is_file()) == ("viewer", True)


def test_compose_sends_no_snapshot_to_strangers() -> None:
    """A snapshot cannot go to a host of somebody else, as Grafana would otherwise offer."""
    assert _service()["environment"]["GF_SNAPSHOTS_EXTERNAL_ENABLED"] == "false"


def _service() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["grafana"]
