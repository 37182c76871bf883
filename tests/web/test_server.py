"""The HTTP side over a real socket."""

from __future__ import annotations

import socket
from pathlib import Path

import aiohttp
import pytest

from exporter.config import Secret, Web
from exporter.errors import ServiceError
from exporter.state.state import State
from tests.builders import config
from tests.web.serving import serving

LOCAL = Web(listen="127.0.0.1:0")


async def fetch(url: str, token: str | None = None) -> tuple[int, str, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_metrics_have_the_content_type_that_prometheus_expects() -> None:
    """The exposition and the process's own figures come in format 0.0.4."""
    async with serving(LOCAL, State(config())) as url:
        status, kind, text = await fetch(f"{url}/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "trading_build_info{" in text
    assert "process_resident_memory_bytes " in text


async def test_a_token_guards_the_metrics_but_not_health(tmp_path: Path) -> None:
    """Without the right token there is a 401 and no figure."""
    (tmp_path / "token").write_text("let-me-in\n")
    web = Web(listen="127.0.0.1:0", bearer_token=Secret(file=str(tmp_path / "token")))
    async with serving(web, State(config())) as url:
        for token in (None, "wrong", "let-me-in2", "l\u00e9t-me-in", "\udcff"):
            status, _, text = await fetch(f"{url}/metrics", token)
            assert (status, text) == (401, "a bearer token is needed\n")
        assert (await fetch(f"{url}/metrics", "let-me-in"))[0] == 200
        assert (await fetch(f"{url}/health"))[0] == 200


@pytest.mark.parametrize(
    ("parts", "overall", "status"),
    [
        ({}, "healthy", 200),
        ({"exchange/a": True, "source/a/main": True}, "healthy", 200),
        ({"exchange/a": False, "source/a/main": True}, "degraded", 200),
        ({"exchange/a": True, "source/a/main": False}, "unhealthy", 503),
    ],
)
async def test_health_names_each_part(parts: dict[str, bool], overall: str, status: int) -> None:
    """A dead exchange degrades; only a fault of the exporter's own, which a restart may mend, is a 503."""
    state = State(config())
    for name, up in parts.items():
        state.components[name].up = up
        state.components[name].detail = "" if up else "network: connection refused"
    async with serving(LOCAL, state) as url:
        got, _, text = await fetch(f"{url}/health")
    assert got == status
    assert f'"overall_status":"{overall}"' in text
    for name, up in parts.items():
        assert f'"{name}":{{"state":"{"up" if up else "down"}"' in text


async def test_health_gives_details_only_to_those_with_the_token(tmp_path: Path) -> None:
    """Anybody may ask whether it works; what an exchange answered is not for everybody."""
    (tmp_path / "token").write_text("let-me-in")
    web = Web(listen="127.0.0.1:0", bearer_token=Secret(file=str(tmp_path / "token")))
    state = State(config())
    state.components["exchange/a"].detail = "network: connection refused"
    async with serving(web, state) as url:
        assert "connection refused" not in (await fetch(f"{url}/health"))[2]
        assert "connection refused" in (await fetch(f"{url}/health", "let-me-in"))[2]


async def test_the_front_page_says_where_everything_is() -> None:
    """A person who opens the address finds the links."""
    async with serving(LOCAL, State(config())) as url:
        status, kind, text = await fetch(url)
    assert status == 200
    assert kind.startswith("text/html")
    assert 'href="/metrics"' in text


async def test_what_is_not_there_is_said_in_json() -> None:
    """A wrong path, and a path that takes another method, each with what to do."""
    async with serving(LOCAL, State(config())) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/v1/event") as answer:
            assert (answer.status, await answer.json()) == (
                404,
                {"message": "there is no /v1/event here; GET / lists what there is"},
            )
        async with session.put(f"{url}/v1/events") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
            assert await answer.json() == {"message": "/v1/events takes POST, not PUT"}


async def test_a_taken_port_is_said_in_one_line() -> None:
    """The message names the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServiceError, match=f"cannot listen on {listen}: .*free the port or change web.listen"):
            async with serving(Web(listen=listen), State(config())):
                pass
