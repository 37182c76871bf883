"""The stand-in answers as the transcript of a real Grafana 9.4 does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.grafana.standin import TOKEN, Grafana, serve

TRANSCRIPT = Path(__file__).parents[3] / "shared" / "facts" / "grafana-api-9.4.json"
SPOKEN = ("/api/folders", "/api/datasources", "/api/dashboards/db", "/api/dashboards/uid/")
OUTSIDE = ("permissions", "public", "/health")  # what provisioning does not use
IDENTITY = ("uid", "title", "name", "message", "status", "slug", "type", "readOnly")


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
    """Calls of the transcript, in its order, get the same status, message, names and uids as in it."""
    steps = _replayed()
    assert len(steps) > 15
    with serve(Grafana()) as grafana:
        for step in steps:
            headers = {} if step["note"] == "no credentials" else {"Authorization": f"Bearer {TOKEN}"}
            answer = requests.request(
                step["method"], grafana.url + step["path"], json=step["body"], headers=headers, timeout=10
            )
            assert (answer.status_code, _identity(answer.json())) == (step["status"], _identity(step["answer"])), step


def _identity(answer: Any) -> Any:
    return {key: answer[key] for key in IDENTITY if key in answer} if isinstance(answer, dict) else answer
