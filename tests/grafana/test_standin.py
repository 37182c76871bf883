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


def _identity(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_identity(each) for each in answer]
    if isinstance(answer, dict):
        return {key: _identity(answer[key]) for key in IDENTITY if key in answer}
    return answer
