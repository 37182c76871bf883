"""Texts to people: what they say, when they are sent, and what happens while no gateway takes them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from aiohttp import web

from exporter.config import parse
from exporter.errors import ConfigError, ServiceError
from exporter.events.alerts import Notification
from exporter.publish.texts import shorten, text
from exporter.service import running
from exporter.state.sms import Text, Texts
from simulator.stack.ports import LOOPBACK, free_port
from tests.publish.alerting import Alertmanager, alert, notification, settings, told

SECRET = "hunter2"


class Service:
    """A gateway on loopback, as apprise's ``json://`` speaks to it; it can be told to refuse, or to be slow."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.tries = 0
        self.works = True
        self.refused = ""  # what a text may not contain
        self.hold = asyncio.Event()
        self.hold.set()
        self.url = ""
        self.look: Callable[[], object] = lambda: None
        self.seen: list[tuple[float, object]] = []  # at each try, the time and what it looked at

    async def handle(self, request: web.Request) -> web.Response:
        self.tries += 1
        self.seen.append((time.monotonic(), self.look()))
        message = (await request.json())["message"]
        await self.hold.wait()
        if not self.works or (self.refused and self.refused in message):
            return web.Response(status=503)
        self.texts.append(message)
        return web.Response(text="ok")


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    found = Service()
    application = web.Application()
    application.router.add_post("/{path:.*}", found.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    found.url = f"json://user:{SECRET}@{LOOPBACK}:{runner.addresses[0][1]}/sms"
    try:
        yield found
    finally:
        found.hold.set()
        await runner.cleanup()


def sms(folder: Path, *urls: str, **more: Any) -> dict[str, Any]:
    """A configuration that sends texts, and tries again at once."""
    for number, url in enumerate(urls):
        (folder / f"url{number}").write_text(url)
    given = {"token": {"file": str(folder / "token")}, "retry_after": 0.01, "open_after": 1000, **more}
    return settings(folder, sms={**given, "urls": [{"file": str(folder / f"url{n}")} for n in range(len(urls))]})


async def send(manager: Alertmanager, group: str, ends: float | None = None, /, **labels: str) -> int:
    body = notification(alert(group, time.time() - 60, ends, exchange=group, **labels), group=group)
    return (await manager.post("/v1/sms", body))[0]


async def results(manager: Alertmanager) -> dict[str, float]:
    found = await manager.samples("sms_messages_total")
    return {name.split('"')[1]: value for name, value in found.items()}


async def test_a_text_says_how_bad_where_what_and_the_value(tmp_path: Path) -> None:
    """The gateway gets one short text when it begins and one when it is over."""
    async with service() as gateway, told(sms(tmp_path, gateway.url)) as manager:
        assert await send(manager, "alpha", severity="critical") == 200
        await manager.until(lambda: len(gateway.texts) == 1)
        assert await send(manager, "alpha", time.time(), severity="critical") == 200
        await manager.until(lambda: len(gateway.texts) == 2)
        assert gateway.texts == [
            "CRITICAL alpha: The CPU is busy. In use: 93% of the processors.",
            "RESOLVED alpha: The CPU is busy.",
        ]
        await manager.until(lambda: len(manager.state.texts) == 0)
        assert await results(manager) == {"sent": 2, "failed": 0, "refused": 0, "dropped": 0}
        assert (await manager.health("sms"))["state"] == "up"


async def test_a_gateway_that_comes_back_gets_what_waited(tmp_path: Path) -> None:
    """While it refuses, /health and the metrics say so; then all texts come, once."""
    async with service() as gateway, told(sms(tmp_path, gateway.url)) as manager:
        gateway.works = False
        for name in ("alpha", "beta", "gamma"):
            assert await send(manager, name) == 200
        await manager.until(lambda: gateway.tries > 3)
        assert (await manager.health("sms"))["state"] == "down"
        assert (await manager.samples("sms_queue"))["sms_queue"] == 3
        gateway.works = True
        await manager.until(lambda: len(manager.state.texts) == 0)
        assert sorted(each.split()[1] for each in gateway.texts) == ["alpha:", "beta:", "gamma:"]
        assert (await manager.health("sms"))["state"] == "up"


async def test_what_is_over_before_it_was_sent_is_never_sent(tmp_path: Path) -> None:
    """Neither its beginning nor its end; of what people know they are told the end, once."""
    async with service() as gateway, told(sms(tmp_path, gateway.url)) as manager:
        await send(manager, "known")
        await manager.until(lambda: len(gateway.texts) == 1)
        gateway.works = False
        await send(manager, "short")
        await manager.until(lambda: gateway.tries > 2)
        await send(manager, "short", time.time())
        for _ in range(2):
            await send(manager, "known", time.time())
        await manager.until(lambda: len(manager.state.texts) == 1)
        gateway.works = True
        await manager.until(lambda: len(manager.state.texts) == 0)
        await send(manager, "known", time.time())
        await send(manager, "short", time.time())
        assert [each.split(":")[0] for each in gateway.texts] == ["WARNING known", "RESOLVED known"]
        assert await results(manager) == {"sent": 2, "failed": 0, "refused": 0, "dropped": 1}


def test_an_end_that_is_told_again_while_it_is_on_its_way_is_one_text() -> None:
    """Alertmanager repeats itself, and the gateway takes its time."""
    texts = Texts(10)
    _take(texts, over=False)
    _send(texts)
    _take(texts, over=True)
    on_its_way = texts.next()
    assert on_its_way is not None
    _take(texts, over=True)
    texts.sent(on_its_way)
    assert len(texts) == 0


def _take(texts: Texts, *, over: bool) -> None:
    assert texts.take(Text("group", "text", over=over, since=0.0))


def _send(texts: Texts) -> None:
    text = texts.next()
    assert text is not None
    texts.sent(text)


async def test_what_ends_while_it_is_on_its_way_is_told_to_be_over(tmp_path: Path) -> None:
    """Nobody knows yet whether the text arrives; when it did, its end follows."""
    async with service() as gateway, told(sms(tmp_path, gateway.url)) as manager:
        gateway.hold.clear()
        await send(manager, "alpha")
        await manager.until(lambda: gateway.tries == 1)
        await send(manager, "alpha", time.time())
        gateway.hold.set()
        await manager.until(lambda: len(gateway.texts) == 2)
        assert [each.split()[0] for each in gateway.texts] == ["WARNING", "RESOLVED"]


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    """Beyond its bound Alertmanager is told to come again; a repeat takes no more room."""
    async with service() as gateway, told(sms(tmp_path, gateway.url, queue=2)) as manager:
        gateway.works = False
        assert [await send(manager, name) for name in ("a", "b", "c", "a")] == [200, 200, 503, 200]
        assert (await results(manager))["refused"] == 1
        gateway.works = True
        await manager.until(lambda: len(manager.state.texts) == 0)
        assert await send(manager, "c") == 200


async def test_after_failures_in_a_row_the_gateway_is_left_alone(tmp_path: Path) -> None:
    """The circuit opens after so many, and one text tries it again; once that works it is closed."""
    config = sms(tmp_path, "json://127.0.0.1:9/", open_after=3, open_for=0.3)
    async with service() as gateway:
        (tmp_path / "url0").write_text(gateway.url)
        async with told(config) as manager:
            gateway.works, gateway.look = False, lambda: manager.state.texts.circuit_open
            await send(manager, "a")
            await send(manager, "b")
            await manager.until(lambda: gateway.tries == 4)
            assert (await manager.samples("sms_circuit_open"))["sms_circuit_open"] == 1
            gateway.works = True
            await manager.until(lambda: len(manager.state.texts) == 0)
            assert (await manager.samples("sms_circuit_open"))["sms_circuit_open"] == 0
        times, was_open = zip(*gateway.seen, strict=True)
        assert was_open[:4] == (False, False, False, True)
        assert times[3] - times[2] >= 0.3
        assert was_open[-1] is False


async def test_a_text_that_nobody_wants_to_know_any_more_is_given_up(tmp_path: Path) -> None:
    """After so long it counts as failed; that it is over is then not told, what begins anew is."""
    async with service() as gateway, told(sms(tmp_path, gateway.url, give_up_after=0.2)) as manager:
        gateway.works = False
        await send(manager, "alpha")
        await manager.until(lambda: manager.state.texts.results["failed"] == 1)
        gateway.works = True
        await send(manager, "alpha", time.time())
        await send(manager, "alpha")
        await manager.until(lambda: len(gateway.texts) == 1)
        assert gateway.texts[0].startswith("WARNING")


async def test_a_gateway_that_failed_is_unknown_when_there_is_nothing_left_to_try(tmp_path: Path) -> None:
    """Down at first, then nobody knows, which is no failure; the next text tells, and the circuit is closed for it."""
    async with service() as gateway, told(sms(tmp_path, gateway.url, open_after=1, open_for=0.1)) as manager:
        now = [time.time()]
        manager.state.clock = lambda: now[0]
        gateway.works = False
        await send(manager, "alpha")
        await manager.until(lambda: gateway.tries == 1)
        await send(manager, "alpha", now[0])
        part = manager.state.components["sms"]
        await manager.until(
            lambda: part.detail == "no gateway took a text; none waits any more, the next one will tell"
        )
        assert not part.up
        assert (await manager.samples("sms_circuit_open"))["sms_circuit_open"] == 0
        now[0] += 601
        await manager.until(lambda: part.up)
        assert part.detail == "unknown: the last text failed (no gateway took a text), and there was none since"
        gateway.works = True
        await send(manager, "beta")
        await manager.until(lambda: len(gateway.texts) == 1)
        await manager.until(lambda: part.detail == "")


async def test_the_next_service_takes_what_the_first_does_not(tmp_path: Path) -> None:
    """Services are tried in order, and one that is gone costs nothing but the try."""
    nobody = f"json://{LOOPBACK}:{free_port()}/"
    async with service() as gateway, told(sms(tmp_path, nobody, gateway.url)) as manager:
        await send(manager, "alpha")
        await manager.until(lambda: len(gateway.texts) == 1)


async def test_a_gateway_that_does_not_answer_has_failed(tmp_path: Path) -> None:
    """Nothing waits for it longer than configured, and the exporter goes on meanwhile."""
    async with service() as gateway, told(sms(tmp_path, gateway.url, request_timeout=0.2)) as manager:
        gateway.hold.clear()
        await send(manager, "alpha")
        await manager.until(lambda: not manager.state.components["sms"].up)
        assert "no gateway answered within 0.2 s" in (await manager.health("sms"))["detail"]


async def test_a_text_that_takes_long_is_not_sent_again_meanwhile(tmp_path: Path) -> None:
    """It cannot be called back and may arrive yet: people get it once, and nothing is tried before that is known."""
    async with service() as gateway, told(sms(tmp_path, gateway.url, request_timeout=0.1)) as manager:
        gateway.hold.clear()
        await send(manager, "alpha")
        await manager.until(lambda: not manager.state.components["sms"].up)
        assert (await manager.samples("sms_circuit_open"))["sms_circuit_open"] == 1
        await asyncio.sleep(0.3)
        gateway.hold.set()
        await manager.until(lambda: len(manager.state.texts) == 0)
        await send(manager, "beta")
        await manager.until(lambda: len(gateway.texts) == 2)
        assert [each.split()[1] for each in gateway.texts] == ["alpha:", "beta:"]
        assert (await manager.samples("sms_circuit_open"))["sms_circuit_open"] == 0


async def test_a_text_that_is_refused_holds_up_no_other(tmp_path: Path) -> None:
    """The others are sent while it is tried again and again, also after the circuit was open."""
    async with service() as gateway, told(sms(tmp_path, gateway.url, open_after=2, open_for=0.2)) as manager:
        gateway.refused = "alpha"
        await send(manager, "alpha")
        await manager.until(lambda: manager.state.texts.circuit_open)
        await send(manager, "beta")
        await send(manager, "gamma")
        await manager.until(lambda: manager.state.texts.results["sent"] == 2)
        assert [each.split()[1] for each in gateway.texts] == ["beta:", "gamma:"]


async def test_the_secret_of_a_gateway_is_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a failure nor a success leaves it in logs, health or metrics."""
    caplog.set_level(logging.DEBUG)
    async with service() as gateway, told(sms(tmp_path, gateway.url)) as manager:
        gateway.works = False
        await send(manager, "alpha")
        await manager.until(lambda: gateway.tries > 2)
        seen = str(await manager.health("sms")) + str(await manager.samples(""))
        gateway.works = True
        await manager.until(lambda: len(gateway.texts) == 1)
        assert SECRET not in seen + caplog.text
        assert "sms failed" in caplog.text
    assert SECRET not in caplog.text


async def test_an_address_that_is_none_ends_the_start(tmp_path: Path) -> None:
    """The message names its place, and not what stands there."""
    with pytest.raises(ServiceError, match=r"sms\.urls\[1\] is no address that apprise knows") as caught:
        async with running(parse(yaml.safe_dump(sms(tmp_path, "json://x/", f"nosuch://{SECRET}")))):
            pass
    assert SECRET not in str(caught.value)


def test_token_and_addresses_belong_together(tmp_path: Path) -> None:
    """One without the other is a mistake."""
    config = sms(tmp_path, "json://x/")
    del config["sms"]["token"]
    with pytest.raises(ConfigError, match="sms: urls and token belong together"):
        parse(yaml.safe_dump(config))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("short", "short"),
        ("x" * 160, "x" * 160),
        ("x" * 161, "x" * 157 + "..."),
        ("[" * 81, "[" * 78 + "..."),  # such take two places
        ("60 000 €, \u22123 % ≥ 5\n“é”", "60 000 EUR, -3 % >= 5 ?e?"),
        ("see http://evil/x", "see http: evil/x"),
        ("tab\tand\0nul\u200b", "tab and nul"),
    ],
)
def test_a_text_fits_into_one_message(wanted: str, expected: str) -> None:
    """At most 160 places of the alphabet that every phone has, and no link."""
    assert shorten(wanted) == expected


def test_several_alerts_are_one_text() -> None:
    """What they have in common, how many there are, and the first of them."""
    body = notification(alert("a", 1, exchange="alpha", symbol="A/B"), alert("b", 1, exchange="alpha", symbol="C/D"))
    assert text(msgspec.convert(body, Notification)) == (
        "WARNING alpha: The CPU is busy. (2 alerts) In use: 93% of the processors."
    )
