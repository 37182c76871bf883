"""The order of things: who may read comes before what is to be read, and what holds goes after what it held."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from grafana.api import Json, SettingsError
from grafana.names import FOLDERS, TEAMS, Folder, folder_of
from grafana.provision import dashboards, data_source, folders, homes, permissions, sharing, teams
from grafana.provision.outcome import Outcome
from grafana.provision.server import Server


def read_dashboards(folder: Path) -> dict[str, Json]:
    """Return the dashboards that are committed, by name."""
    models = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.json"))}
    if not models:
        message = f"no dashboards in {folder}: run `make generate`"
        raise SettingsError(message)
    return models


def provision(server: Server, prometheus_url: str, models: Mapping[str, Json]) -> Iterator[Outcome]:
    """Bring everything to the wanted state, one thing after the other."""
    readers = tuple(reader for reader in TEAMS if reader in models)
    yield data_source.put(server, prometheus_url)
    for folder in _used(models):
        yield folders.put(server, folder)
    for reader in readers:
        yield teams.put(server, reader)
    numbers = teams.ids(server)
    for folder in _used(models):
        yield permissions.put(server, folder, numbers, readers)
    for name, model in models.items():
        yield dashboards.put(server, folder_of(name), model)
    for reader in readers:
        yield homes.put(server, reader, numbers.get(reader), models[reader]["uid"])
    for uid, title in dashboards.strays(server, _uids(models)):
        yield dashboards.remove(server, uid, title)


def remove(server: Server, models: Mapping[str, Json]) -> Iterator[Outcome]:
    """Take away everything that was made here, and nothing else."""
    if "public" in models:
        yield from sharing.remove(server, models["public"])
    gone: set[str] = set()
    ours = {model["uid"]: model["title"] for model in models.values()}
    for uid, title in (ours | dict(dashboards.strays(server, ours))).items():
        outcome = dashboards.remove(server, uid, title)
        if outcome.word != "kept":
            gone.add(uid)
        yield outcome
    for folder in FOLDERS:
        yield folders.remove(server, folder, gone)
    for reader in TEAMS:
        yield teams.remove(server, reader)
    yield data_source.remove(server, gone)


def _used(models: Mapping[str, Json]) -> list[Folder]:
    return [folder for folder in FOLDERS if any(name in models for name in folder.dashboards)]


def _uids(models: Mapping[str, Json]) -> set[str]:
    return {model["uid"] for model in models.values()}
