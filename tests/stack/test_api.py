"""The HTTP API with the real Prometheus and Alertmanager behind it, rules and all as committed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from tests.stack.conftest import NewHarness
from tests.stack.harness import Harness, Options, eventually

TOKEN = "a1b2c3d4e5f6a7b8"
QUICK = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}}
LEVELS = ("healthy", "degraded", "warning", "critical")

pytestmark = pytest.mark.stack


async def started(new_harness: NewHarness) -> Harness:
    """The whole stack, with an exporter that knows where the other two are."""
    harness = await new_harness(Options(prometheus_overrides=QUICK, exporter_environment={"TEST_TOKEN": TOKEN}))
    upstream = {name: {"url": harness.url(name)} for name in ("prometheus", "alertmanager")}
    token = {"token": {"env": "TEST_TOKEN"}}
    overrides = {
        "upstream": upstream | {"interval": 1, "request_timeout": 1},
        "incidents": token,
        "push": {"tokens": [{"name": "app", **token}]},
        "journal": {"path": str(harness.stack.run_dir / "journal")},
    }
    harness.options = replace(harness.options, exporter_overrides=overrides)
    await harness.start()
    return harness


@asynccontextmanager
async def answering(harness: Harness) -> AsyncIterator[None]:
    """Meanwhile the own API answers fifty requests a second, some of them badly."""
    task = asyncio.create_task(_answer(harness))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _answer(harness: Harness) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for number in count():
        durations = (0.004, 0.012, 0.03, 0.08, 0.15)
        events: list[dict[str, Any]] = [
            {"type": "request", "route": "/orders/{id}", "status": 200, "duration": each, "ts": time.time()}
            for each in durations
        ]
        events[0]["status"] = 500 if number % 5 == 0 else 200
        async with harness.session.post(
            f"{harness.url('exporter')}/v1/events", json=events, headers=headers, raise_for_status=True
        ):
            pass
        await asyncio.sleep(0.1)


async def ask(harness: Harness, path: str, **parameters: str) -> Any:
    return await harness.get_json(f"{harness.url('exporter')}{path}", **parameters)


@contextmanager
def told_apart(differ: dict[str, Any]) -> Iterator[None]:
    """Say what differed last when they never agree."""
    try:
        yield
    except AssertionError:
        raise AssertionError(f"ours, and Prometheus's: {differ}") from None


@pytest.mark.timeout(300)
async def test_what_is_measured_is_what_prometheus_works_out(new_harness: NewHarness) -> None:
    """The exporter's own figures agree with the recorded series, and what rules decide is what they decided."""
    harness = await started(new_harness)
    async with answering(harness):
        pairs = {
            "avg_response_time_ms": ("system:response_seconds:mean1m", 1000),
            "requests_per_second": ("system:requests:rate1m", 1),
            "error_rate_percent": ("system:request_errors:ratio_rate1m", 100),
            "p50_response_time_ms": ("system:response_seconds:p50_5m", 1000),
            "p95_response_time_ms": ("system:response_seconds:p95_5m", 1000),
            "memory_usage_percent": ("system:memory:ratio", 100),
        }

        differ: dict[str, Any] = {}

        async def agree() -> bool:
            differ.clear()
            found = await ask(harness, "/api/performance-metrics")
            for name, (series, factor) in pairs.items():
                values = [factor * sample.value for sample in await harness.prometheus_query(series)]
                if [found[name]] != pytest.approx(values, rel=0.1):
                    differ[name] = found[name], values
            return not differ

        with told_apart(differ):
            await eventually(agree, 120)

        async def judged() -> Any:
            found = await ask(harness, "/api/operations-overview")
            details = found["exchange_health"]["exchange_details"].values()
            return found if found["system_status"]["overall_health"] and all(d["status"] for d in details) else None

        found = await eventually(judged, 60)
        assert set(found["exchange_health"]["exchange_details"]) == {"alpha", "beta", "gamma"}
        assert found["exchange_health"]["total_exchanges"] == 3
        assert found["performance_trends"]["trend"] == "not enough data"

        async def same_level() -> bool:
            found = await ask(harness, "/api/exchanges")
            samples = await harness.prometheus_query("exchange:status:level")
            levels = {sample.labels["exchange"]: LEVELS[int(sample.value)] for sample in samples}
            return {name: each["status"] for name, each in found["exchange_details"].items()} == levels

        assert await eventually(same_level)
        summary = await ask(harness, "/api/executive-summary")
        assert summary["competitive_analysis"]["market_position"] in {"leader", "competitive"}
        assert len(summary["competitive_analysis"]["competitive_advantages"]) == 4
        assert summary["performance_roi"]["improvement_factor"] > 1


@pytest.mark.timeout(300)
async def test_an_alert_and_an_absence(new_harness: NewHarness) -> None:
    """What Alertmanager has is listed; a Prometheus that hangs degrades the exporter and takes nobody's answer away."""
    harness = await started(new_harness)
    alert = {"labels": {"alertname": "TradingTest", "exchange": "alpha", "severity": "critical"}}
    url = f"{harness.url('alertmanager')}/api/v2/alerts"
    async with harness.session.post(url, json=[alert], raise_for_status=True):
        pass

    async def listed() -> Any:
        found = await ask(harness, "/api/alerts")
        return next((each for each in found["alerts"] or () if each["name"] == "TradingTest"), None)

    found = await eventually(listed)
    assert (found["severity"], found["where"]) == ("critical", "alpha")

    async def decided(path: str = "/api/operations-overview") -> Any:
        return (await ask(harness, path))["system_status"]["overall_health"]

    async def status(wanted: str) -> bool:
        found = await ask(harness, "/health")
        return bool(found["services"]["upstream/prometheus"]["state"] == wanted)

    assert await eventually(decided, 60)
    os.kill(harness.stack.pid("prometheus"), signal.SIGSTOP)
    try:
        assert await eventually(lambda: status("down"))
        assert await decided()
        assert (await ask(harness, "/health"))["overall_status"] == "degraded"
    finally:
        os.kill(harness.stack.pid("prometheus"), signal.SIGCONT)
    assert await eventually(lambda: status("up"))
