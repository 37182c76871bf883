"""The stand-in answers as the transcript of a real Grafana 9.4 does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.grafana.standin import PASSWORD, USER, Grafana, serve

TRANSCRIPT = Path(__file__).parents[3] / "shared" / "facts" / "grafana-api-9.4.json"
SPOKEN = (
    "/api/folders",
    "/api/datasources",
    "/api/dashboards/db",
    "/api/dashboards/uid/",
    "/api/search",
    "/api/teams",
)
OUTSIDE = ("public", "/health")  # what provisioning does not use
IDENTITY = (
    *("uid", "title", "name", "message", "status", "slug", "type", "readOnly", "folderUid", "theme", "timezone"),
    *("userId", "userLogin", "team", "teamId", "role", "permission", "permissionName", "inherited"),
    *("teams", "memberCount", "totalCount", "homeDashboardId", "homeDashboardUID", "weekStart", "queryHistory"),
)


def _replayed() -> list[dict[str, Any]]:
    if not TRANSCRIPT.exists():
        return []
    steps = json.loads(TRANSCRIPT.read_text(encoding="utf-8"))
    return [
        step
        for step in steps
        if step["path"].startswith(SPOKEN) and not any(word in step["path"] for word in OUTSIDE) and "body" in step
    ]


@pytest.mark.skipif(not TRANSCRIPT.exists(), reason="the transcript is not beside the project")
def test_replayed_calls_get_the_recorded_answers() -> None:
    """Calls of the transcript, in its order, get the same status, message, names, uids, teams and permissions."""
    steps = _replayed()
    assert len(steps) > 25
    with serve(Grafana()) as grafana:
        for step in steps:
            login = None if step["note"] == "no credentials" else (USER, PASSWORD)
            answer = requests.request(
                step["method"], grafana.url + step["path"], json=step["body"], auth=login, timeout=10
            )
            assert (answer.status_code, _identity(answer.json())) == (step["status"], _identity(step["answer"])), step


PUBLISHED = (
    "/api/ds/query",
    "/api/snapshots",
    "/api/dashboard/snapshots",
    "/api/public/",
    "public-dashboards",
    "public-config",
)


@pytest.mark.skipif(not TRANSCRIPT.exists(), reason="the transcript is not beside the project")
def test_replayed_publishing_has_the_recorded_form() -> None:
    """Queries, snapshots and shared dashboards of the transcript get the same status, and the same keys and types."""
    grafana = Grafana()
    keys: dict[str, str] = {}
    grafana.series["up"] = [({"instance": "127.0.0.1:9090", "job": "prometheus"}, 1)]
    compared = 0
    with serve(grafana):
        for step in json.loads(TRANSCRIPT.read_text(encoding="utf-8")):
            if "body" not in step:
                continue
            path = step["path"]
            for recorded, own in keys.items():
                path = path.replace(recorded, own)
            login = None if "without login" in step["note"] or "/public/" in path else (USER, PASSWORD)
            answer = requests.request(step["method"], grafana.url + path, json=step["body"], auth=login, timeout=10)
            if any(word in path for word in PUBLISHED):
                keys |= _keys(step["answer"], answer.json())
                assert (answer.status_code, _form(answer.json(), step["answer"])) == (
                    step["status"],
                    _form(step["answer"], step["answer"]),
                ), step
                compared += 1
    assert compared == 10


def _keys(recorded: Any, own: Any) -> dict[str, str]:
    """Return what names a thing in later calls, as it was recorded and as it is here."""
    names = ("key", "accessToken")
    return {recorded[name]: own[name] for name in names if isinstance(recorded, dict) and name in recorded}


def _form(value: Any, recorded: Any) -> Any:
    """Return keys and types instead of values; what was not recorded in full is looked at no closer."""
    if isinstance(recorded, str) and recorded.endswith("…"):
        return "cut off"
    if isinstance(value, dict):
        return {key: _form(each, each) for key, each in value.items() if key != "meta"}
    if isinstance(value, list):
        return [_form(each, each) for each in value[:1]]
    return "number" if isinstance(value, int | float) else type(value).__name__


def _identity(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_identity(each) for each in answer]
    if isinstance(answer, dict):
        return {key: _identity(answer[key]) for key in IDENTITY if key in answer}
    return answer
