"""Incidents, as Alertmanager's webhook tells them: counted once, kept over restarts, in any order."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from itertools import permutations
from pathlib import Path

import aiohttp
import msgspec
import pytest

from exporter.config import Incidents as Settings
from exporter.events.alerts import Alert
from exporter.publish.heartbeat import Heartbeat
from exporter.state.incidents import Incidents
from exporter.state.state import State
from tests.builders import T0, config
from tests.publish.alerting import TOKEN, alert, incidents, notification, settings, told
from tests.test_recovery import copy_as_is
from tests.web.test_push import exporter


async def test_an_incident_begins_with_an_alert_and_ends_with_its_resolution(tmp_path: Path) -> None:
    """It is counted, is open until it is told to be over, and the time that it took is known."""
    now = time.time()
    async with told(incidents(tmp_path)) as manager:
        assert await manager.samples("alerts_firing") == {}  # nobody has told anything
        await manager.tell(alert("a", now - 90), alert("b", now - 30, severity="critical"))
        for family in ("incidents_total", "incidents_open", "incidents_day", "alerts_firing"):
            assert await manager.by_severity(family) == {"warning": 1, "critical": 1}
        await manager.tell(alert("a", now - 90, now - 30))
        assert await manager.by_severity("incidents_open") == {"critical": 1}
        assert await manager.by_severity("incidents_total") == {"warning": 1, "critical": 1}
        took = await manager.samples("incident_resolution_seconds")
        assert took["incident_resolution_seconds_count"] == 1
        assert took["incident_resolution_seconds_sum"] == pytest.approx(60, abs=0.001)


async def test_what_is_told_again_counts_once(tmp_path: Path) -> None:
    """Alertmanager repeats what fires, and what it got no answer to."""
    now = time.time()
    async with told(incidents(tmp_path)) as manager:
        for ends in (None, None, now, now, None):
            await manager.tell(alert("a", now - 90, ends), alert("a", now - 90, ends))
        assert await manager.by_severity("incidents_total") == {"warning": 1}
        assert await manager.by_severity("incidents_open") == {}
        assert (await manager.samples("incident_resolution_seconds_count")).popitem()[1] == 1


async def test_a_message_that_comes_too_slowly_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a status after which Alertmanager comes again: whatever is below 500 it would take for its own fault."""
    monkeypatch.setattr("exporter.web.webhook._SECONDS", 0.05)
    async with told(incidents(tmp_path)) as manager:
        host = manager.url.removeprefix("http://")
        reader, writer = await asyncio.open_connection(*host.split(":"))
        head = ("POST /v1/alerts HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {TOKEN}", "Content-Length: 9")
        writer.write("\r\n".join((*head, "", "{")).encode())
        assert b" 503 " in await asyncio.wait_for(reader.readline(), 10)
        writer.close()


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_of_messages_does_not_matter(order: tuple[int, ...]) -> None:
    """Two incidents of one alert come to the same figures however their four messages are mixed."""
    known = Incidents(Settings(), lambda: T0 + 1000)
    messages = (alert("a", T0), alert("a", T0, T0 + 60), alert("a", T0 + 100), alert("a", T0 + 100, T0 + 400))
    for place in order:
        record = known.news(msgspec.convert(messages[place], Alert))
        if record is not None:
            known.take(record)
    assert dict(known.totals) == {"warning": 2}
    assert list(known.open()) == []
    assert sum(known.resolution.counts) == 2
    assert known.resolution.total == pytest.approx(360)


async def test_an_alert_that_fires_anew_was_over(tmp_path: Path) -> None:
    """Where nobody told the end of the former, it is no longer open, and its time is not known."""
    now = time.time()
    async with told(incidents(tmp_path)) as manager:
        await manager.tell(alert("a", now - 500))
        await manager.tell(alert("a", now - 100))
        assert await manager.by_severity("incidents_total") == {"warning": 2}
        assert await manager.by_severity("incidents_open") == {"warning": 1}
        assert (await manager.samples("incident_resolution_seconds_count")).popitem()[1] == 0


async def test_an_alert_that_turns_out_to_have_begun_earlier_is_the_same(tmp_path: Path) -> None:
    """A second Prometheus that saw it first moves the beginning of what Alertmanager tells, and makes no incident."""
    now = time.time()
    async with told(incidents(tmp_path)) as manager:
        await manager.tell(alert("a", now - 50))
        await manager.tell(alert("a", now - 55))
        assert await manager.by_severity("incidents_open") == {"warning": 1}
        await manager.tell(alert("a", now - 55, now))
        assert await manager.by_severity("incidents_open") == {}
        assert await manager.by_severity("incidents_total") == {"warning": 1}


def test_what_is_no_longer_told_while_others_are_is_not_open() -> None:
    """A silenced alert is neither open nor resolved; when it is told again it is the same incident."""
    now = [T0]
    known = Incidents(Settings(heard_within=180.0), lambda: now[0])

    def tell(*fingerprints: str) -> None:
        for fingerprint in fingerprints:
            record = known.news(msgspec.convert(alert(fingerprint, T0 - 10), Alert))
            if record is not None:
                known.take(record)
        known.hear()

    tell("a", "b")
    now[0] += 3600  # Alertmanager is away: nothing is known, so nothing changes
    assert len(list(known.open())) == 2
    assert known.is_silent
    tell("a")
    assert [each.fingerprint for each in known.open()] == ["a"]
    tell("a", "b")
    assert len(list(known.open())) == 2
    assert known.totals["warning"] == 2


@pytest.mark.parametrize("is_clean", [True, False])
async def test_a_restart_keeps_them(tmp_path: Path, *, is_clean: bool) -> None:
    """Open ones, totals, times and the last day are as before, and what is told again is not new."""
    now = time.time()
    wanted = incidents(tmp_path)
    async with told(wanted) as manager:
        await manager.tell(alert("a", now - 90), alert("b", now - 80), alert("c", now - 70, severity="critical"))
        await manager.tell(alert("b", now - 80, now - 20))
        if not is_clean:  # as it is on disk now, without what is saved at the end
            crashed = await asyncio.to_thread(copy_as_is, tmp_path / "journal", tmp_path / "crashed")
            wanted["journal"]["path"] = str(crashed)
    for _ in range(2):
        async with told(wanted) as manager:
            assert await manager.samples("alerts_firing") == {}  # not before Alertmanager says so
            await manager.tell(alert("a", now - 90), alert("b", now - 80, now - 20))
            assert await manager.by_severity("incidents_total") == {"warning": 2, "critical": 1}
            assert await manager.by_severity("incidents_open") == {"warning": 1, "critical": 1}
            assert await manager.by_severity("incidents_day") == {"warning": 2, "critical": 1}
            took = await manager.samples("incident_resolution_seconds")
            assert took["incident_resolution_seconds_count"] == 1


async def test_what_the_journal_has_no_room_for_is_told_again(tmp_path: Path) -> None:
    """A 503 makes Alertmanager come again; in the end each incident counts once."""
    wanted = incidents(tmp_path)
    wanted["journal"]["max_pending"] = 3
    body = notification(*(alert(str(number), time.time() - 10) for number in range(20)))
    statuses: list[int] = []
    async with told(wanted) as manager:
        while not statuses or statuses[-1] != 200:
            statuses.append((await manager.post("/v1/alerts", body))[0])
        assert await manager.by_severity("incidents_total") == {"warning": 20}
    assert set(statuses) == {200, 503}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
async def test_a_disk_that_refuses_acknowledges_nothing(tmp_path: Path) -> None:
    """503 while nothing can be written; told again when it can, the incident counts once, also after a restart."""
    token = incidents(tmp_path)["incidents"]
    body = notification(alert("a", time.time() - 10))
    async with exporter(tmp_path, incidents=token) as (url, pid), aiohttp.ClientSession() as session:

        async def post() -> int:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with session.post(f"{url}/v1/alerts", json=body, headers=headers) as answer:
                return answer.status

        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        assert await post() == 503
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        while (status := await post()) != 200:
            assert status == 503
            await asyncio.sleep(0.05)
    async with told(incidents(tmp_path)) as manager:
        assert (await manager.post("/v1/alerts", body))[0] == 200
        assert await manager.by_severity("incidents_total") == {"warning": 1}


async def test_only_so_many_are_kept(tmp_path: Path) -> None:
    """The oldest that are over are forgotten, not those that go on; the total counts them all."""
    now = time.time()
    async with told(incidents(tmp_path, keep=5)) as manager:
        await manager.tell(alert("open", now - 900))
        await manager.tell(*(alert(str(n), now - 500 + n, now - 400 + n) for n in range(20)))
        assert await manager.by_severity("incidents_total") == {"warning": 21}
        assert await manager.by_severity("incidents_day") == {"warning": 5}
        assert await manager.by_severity("incidents_open") == {"warning": 1}
        await manager.tell(*(alert(f"more-{n}", now - 300) for n in range(20)))
        await manager.tell(*(alert(f"more-{n}", now - 300) for n in range(20)))
        assert await manager.by_severity("incidents_open") == {"warning": 5}
        assert await manager.by_severity("incidents_total") == {"warning": 25}
    async with told(incidents(tmp_path, keep=2)) as manager:
        assert await manager.by_severity("incidents_open") == {"warning": 2}


@pytest.mark.parametrize(
    ("last_hour", "before", "trend"),
    [(0, 0, 0), (2, 0, 0), (3, 0, 1), (3, 23, 1), (2, 23, 0), (1, 46, 0), (0, 46, -1), (0, 22, 0), (5, 46, 1)],
)
def test_the_trend_is_that_of_the_last_hour(last_hour: int, before: int, trend: int) -> None:
    """A spike is more than twice an average hour of the 23 before, which counts as one at least; or less than half."""
    known = Incidents(Settings(), lambda: T0)
    starts = [T0 - 60.0] * last_hour + [T0 - 7200.0] * before
    for number, each in enumerate(starts):
        record = known.news(msgspec.convert(alert(str(number), each), Alert))
        assert record is not None
        known.take(record)
    assert known.trend == trend
    assert known.is_increasing is (len(starts) > 10)


async def test_labels_become_no_labels(tmp_path: Path) -> None:
    """Whatever an alert's labels say, a severity is one of four, and no other label reaches a metric."""
    now = time.time()
    async with told(incidents(tmp_path)) as manager:
        await manager.tell(alert("a", now, severity='x"} 1\nevil 1'), alert("b", now, severity="info", evil="evil"))
        assert await manager.by_severity("incidents_total") == {"other": 1, "info": 1}
        assert not any("evil" in name for name in await manager.samples(""))


async def test_the_watchdog_is_no_incident(tmp_path: Path) -> None:
    """The alert that always fires counts nowhere, but says that Alertmanager is there."""
    async with told(incidents(tmp_path)) as manager:
        await manager.tell(alert("w", T0, alertname="TradingWatchdog", severity="info"))
        assert await manager.by_severity("incidents_total") == {}
        assert await manager.samples("alerts_firing{") != {}
        assert (await manager.health("alertmanager"))["state"] == "up"


def test_health_says_whether_alertmanager_and_prometheus_are_heard_of() -> None:
    """It is up at first, down when nothing was heard for too long or the watchdog is over, and up again by itself."""
    now = [T0]
    state = State(config("incidents: {token: {env: PATH}, heard_within: 180}"), clock=lambda: now[0])
    watch, part = Heartbeat(state), state.components["alertmanager"]
    watchdog = alert("w", T0, alertname="TradingWatchdog")

    def after(seconds: float, *told_now: dict[str, object]) -> tuple[bool, str]:
        now[0] += seconds
        for each in told_now:
            state.incidents.hear(msgspec.convert(each, Alert))
        watch.look()
        return part.up, part.detail.partition(";")[0]

    assert after(0) == (True, "not heard of yet")
    assert after(179) == (True, "not heard of yet")
    assert after(2) == (False, "nothing was heard of it for 180 s")
    assert after(1, watchdog) == (True, "")
    assert after(179) == (True, "")
    assert after(2) == (False, "nothing was heard of it for 180 s")
    assert after(1, {**watchdog, "status": "resolved"}) == (False, "Prometheus tells it nothing")
    assert after(1, alert("a", T0)) == (False, "Prometheus tells it nothing")
    assert after(1, watchdog) == (True, "")


def test_what_prometheus_does_not_tell_is_not_laid_at_alertmanagers_door() -> None:
    """While Prometheus is known to be away nobody can tell how Alertmanager is, which has nothing to say."""
    now = [T0]
    state = State(config("incidents: {token: {env: PATH}, heard_within: 180}"), clock=lambda: now[0])
    watch, part, scraped = Heartbeat(state), state.components["alertmanager"], state.components["prometheus"]
    watchdog = alert("w", T0, alertname="TradingWatchdog")
    for status, seconds in (("firing", 181), ("resolved", 0), ("resolved", 1000)):
        state.incidents.hear(msgspec.convert({**watchdog, "status": status}, Alert))
        now[0] += seconds
        scraped.up = False
        watch.look()
        assert (part.up, part.detail) == (True, "unknown: Prometheus, which is away, tells it nothing")
        scraped.up = True
        watch.look()
        assert not part.up


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/sms"])
async def test_without_a_token_in_the_configuration_it_is_off(tmp_path: Path, path: str) -> None:
    """The answer says what to configure."""
    async with told(settings(tmp_path)) as manager:
        status, text = await manager.post(path, notification())
        assert status == 404
        assert "docs/alerting.md" in text
        assert await manager.samples("incidents") == {}


async def test_only_who_has_the_token_may_tell(tmp_path: Path) -> None:
    """Another token, none, or the one of the metrics is refused, and nothing is taken."""
    (tmp_path / "metrics").write_text("for-metrics")
    wanted = incidents(tmp_path)
    wanted["web"]["bearer_token"] = {"file": str(tmp_path / "metrics")}
    body = notification(alert("a", time.time()))
    async with told(wanted) as manager:
        for token in (None, "", "wrong", TOKEN + "x", "for-metrics", "\u00e9"):
            assert (await manager.post("/v1/alerts", body, token))[0] == 401
        assert manager.state.incidents.totals.total() == 0
        assert (await manager.post("/v1/alerts", body))[0] == 200
        assert manager.state.incidents.totals.total() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"alerts": 3}', 400),
        (b"\xff\xfe", 400),
        (
            b'{"status": "firing", "groupKey": "x", "alerts": [{"status": "firing", "labels": {}, "startsAt": "now"}]}',
            400,
        ),
        (b"x" * (4 * 1024 * 1024 + 1), 413),
    ],
    ids=["nothing", "no object", "no list", "no text", "no time", "too long"],
)
async def test_a_body_that_is_no_notification_is_refused(tmp_path: Path, body: bytes, status: int) -> None:
    """The answer says so, and nothing is taken."""
    async with told(incidents(tmp_path)) as manager:
        assert (await manager.post("/v1/alerts", body))[0] == status
        assert manager.state.incidents.totals.total() == 0


async def test_an_alert_from_the_future_is_none(tmp_path: Path) -> None:
    """A clock that is an hour ahead makes no incident of it."""
    async with told(incidents(tmp_path)) as manager:
        await manager.tell(alert("a", time.time() + 3600))
        assert await manager.by_severity("incidents_total") == {}
