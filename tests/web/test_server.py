"""The HTTP side over a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from exporter.config import Secret, Web
from exporter.errors import ServiceError
from exporter.state.state import State
from tests.builders import config
from tests.web.serving import serving

LOCAL = Web(listen="127.0.0.1:0")


async def fetch(url: str, token: str | None = None, host: str | None = None) -> tuple[int, str, str]:
    headers = ({"Authorization": f"Bearer {token}"} if token else {}) | ({"Host": host} if host else {})
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
        status, _, text = await fetch(f"{url}/metrics")
        assert (status, "send the header Authorization: Bearer TOKEN" in text) == (401, True)
        for token in ("wrong", "let-me-in2", "l\u00e9t-me-in", "\udcff"):
            status, _, text = await fetch(f"{url}/metrics", token)
            assert (status, "the token is not the one of web.bearer_token" in text) == (401, True)
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


async def test_health_names_parts_only_to_those_with_the_token(tmp_path: Path) -> None:
    """Anybody may ask whether it works; who trades where, and what an exchange answered, is not for everybody."""
    (tmp_path / "token").write_text("let-me-in")
    web = Web(listen="127.0.0.1:0", bearer_token=Secret(file=str(tmp_path / "token")))
    state = State(config())
    state.components["exchange/a/whale-fund"].detail = "network: connection refused"
    async with serving(web, state) as url:
        told = json.loads((await fetch(f"{url}/health"))[2])
        known = json.loads((await fetch(f"{url}/health", "let-me-in"))[2])
    assert set(told) == set(known)
    assert (told["overall_status"], told["services"], list(told["missing"])) == ("degraded", None, ["services"])
    assert known["services"]["exchange/a/whale-fund"]["detail"] == "network: connection refused"
    assert known["missing"] == {}


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


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_leaves_the_log_alone(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A scanner gets its 400; nobody has to read of it."""
    async with serving(LOCAL, State(config())) as url:
        caplog.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
        writer.write(said)
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
    assert not caplog.records


async def test_a_fault_of_our_own_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Who asked is told nothing of it; who runs the exporter all."""
    state = State(config())
    async with serving(LOCAL, state) as url:
        del state.components
        assert (await fetch(f"{url}/health"))[::2] == (500, "500 Internal Server Error\n\nServer got itself in trouble")
    assert "AttributeError" in caplog.text


@pytest.mark.parametrize("web", [LOCAL, Web(listen="127.0.0.1:0", trusted_network=True)])
@pytest.mark.parametrize(
    "name", ["desk.example.com", "DESK.example.com:9850", "[::1", "evil.test.", "127.0.0.1.nip.io", "a/b.evil.com"]
)
async def test_public_names_are_refused_where_nothing_else_guards(web: Web, name: str) -> None:
    """A page elsewhere that lets its name lead to this machine gets nothing but what everybody may have."""
    async with serving(web, State(config())) as url:
        for path in ("metrics", "api/performance-metrics", "ws", "live", "debug/tasks"):
            status, _, text = await fetch(f"{url}/{path}", host=name)
            assert (status, "add it to web.hosts" in text) == (403, True)
        assert json.loads((await fetch(f"{url}/health", host=name))[2])["services"] is None
        for path in ("", "v1/schema"):
            assert (await fetch(f"{url}/{path}", host=name))[0] == 200


@pytest.mark.parametrize(
    "name",
    [
        *("localhost:9850", "127.0.0.1", "[::1]:80", "10.0.0.3", "exporter", "a.localhost", "Desk.example.com:8"),
        *("exporter.monitoring.svc:9850", "exporter.monitoring.svc.cluster.local", "desk.internal"),
    ],
)
async def test_names_of_ours_are_answered(name: str) -> None:
    """So are those that the configuration adds."""
    web = Web(listen="127.0.0.1:0", hosts=["desk.Example.com"])
    async with serving(web, State(config())) as url:
        assert (await fetch(f"{url}/metrics", host=name))[0] == 200


async def test_behind_a_token_every_name_is_answered(tmp_path: Path) -> None:
    """No page elsewhere knows the token, so that a proxy may use any name."""
    (tmp_path / "token").write_text("let-me-in")
    web = Web(listen="127.0.0.1:0", bearer_token=Secret(file=str(tmp_path / "token")))
    async with serving(web, State(config())) as url:
        assert (await fetch(f"{url}/metrics", "let-me-in", "desk.example.com"))[0] == 200
