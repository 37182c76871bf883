"""``/api/…`` of a running exporter, with stand-ins for Prometheus and Alertmanager."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from exporter.events import Cache
from exporter.intake import Intake
from exporter.journal.records import Incident
from exporter.state.exchange import PROBE
from tests.live.standin import Standin, all_series, told
from tests.web.asking import Api, asking
from tests.web.pages.browser import SIZES, chromium, visit

PATHS = (
    *("executive-summary", "operations-overview", "performance-metrics", "performance-history", "exchanges", "alerts"),
)

# What pages that were there before ask for, key by key.
PERFORMANCE = (
    *("avg_response_time_ms", "p50_response_time_ms", "p95_response_time_ms", "p99_response_time_ms"),
    *("requests_per_second", "error_rate_percent", "l1_hit_rate_percent", "l2_hit_rate_percent"),
    *("l3_hit_rate_percent", "overall_cache_hit_rate", "cache_warming_effectiveness", "exchange_response_times"),
    *("exchange_error_rates", "exchange_availability", "cpu_usage_percent", "memory_usage_percent"),
    *("disk_io_ops_per_sec", "network_throughput_mbps", "trading_volume_usd", "active_users", "api_calls_per_minute"),
    *("revenue_per_hour", "timestamp"),
)
EXECUTIVE = {
    "summary": "status performance_advantage monthly_revenue user_growth_rate system_uptime",
    "key_metrics": "response_time_ms requests_per_second error_rate_percent active_users trading_volume_24h",
    "performance_roi": "improvement_factor time_saved_per_request_ms daily_time_saved_hours daily_value_usd "
    "annual_value_usd performance_advantage_description",
    "competitive_analysis": "competitive_advantages market_position unique_selling_proposition",
    "revenue_metrics": "monthly_revenue user_growth_rate volume_24h revenue_per_user customer_acquisition_cost "
    "lifetime_value",
    "operational_efficiency": "uptime_percent daily_requests daily_operational_cost cost_per_request efficiency_score "
    "resource_utilization",
}
OPERATIONS = {
    "system_status": "overall_health health_score critical_issues warnings uptime",
    "performance_summary": "avg_response_time_ms p99_response_time_ms requests_per_second error_rate_percent "
    "cache_hit_rate",
    "alerts_and_incidents": "active_alerts_count critical_alerts warning_alerts info_alerts recent_incidents_24h "
    "top_alerts mttr_minutes alert_trends",
    "capacity_analysis": "current_utilization scaling_recommendations capacity_headroom projected_capacity_exhaustion",
    "performance_trends": "trend response_time_change_percent throughput_change_percent error_rate_change_percent "
    "duration_minutes data_points",
    "exchange_health": "ecosystem_health healthy_exchanges total_exchanges exchange_details redundancy_status",
    "resource_utilization": "cpu_percent memory_percent network_mbps disk_io_ops",
}


async def asked_for_long(api: Api) -> Any:
    """Performance once everything is measured, caches included, which are asked something meanwhile."""

    def ask_caches(_: Any) -> bool:
        intake, now = Intake(api.state), api.state.clock()
        for (name, tier), seen in list(api.state.signals.caches.items()):
            more: dict[str, Any] = {"hits": seen.hits + 8, "misses": seen.misses + 2}
            intake.accept(Cache(cache=name, tier=tier, ts=now, warmed_entries=4, warmed_hits=3, **more), "push")
        return True

    return await api.until("/api/performance-metrics", lambda found: ask_caches(found) and not found["missing"])


def holes(value: Any, place: str = "") -> Iterator[str]:
    """The places of all that is null."""
    if value is None:
        yield place
    elif isinstance(value, dict):
        for name, below in value.items():
            if (place, name) != ("", "missing"):
                yield from holes(below, f"{place}.{name}".lstrip("."))


async def test_everything_has_a_value_when_everything_is_told(api: Api) -> None:
    """No figure is forgotten: with all that can be told there is no null anywhere, and no reason for one."""
    api.state.exchanges["beta"].request(PROBE, 0.012, None)
    await asked_for_long(api)
    await api.until("/api/executive-summary", lambda found: found["missing"] == {})
    for path in PATHS:
        found = await api.ask(f"/api/{path}")
        if isinstance(found, dict):
            assert found["missing"] == {}, path
            assert list(holes(found)) == []


async def test_each_null_has_its_reason_when_nothing_is_told(tmp_path: Path) -> None:
    """All keys are there, status 200, and each null is explained by its place."""
    async with asking() as api:
        await api.until("/api/performance-history", lambda found: len(found) >= 1)
        for path in PATHS:
            found = await api.ask(f"/api/{path}")
            if isinstance(found, dict):
                assert sorted(holes(found)) == sorted(found["missing"])
                assert all(len(reason) > 10 for reason in found["missing"].values())


async def test_performance_has_the_keys_that_pages_expect(api: Api) -> None:
    """All of them, in the units that they name."""
    found = await asked_for_long(api)
    assert set(PERFORMANCE) <= set(found)
    assert found["avg_response_time_ms"] == 40
    assert found["p50_response_time_ms"] == pytest.approx(37.5)
    assert (found["l1_hit_rate_percent"], found["overall_cache_hit_rate"]) == (80, 80)
    assert found["cache_warming_effectiveness"] == 75
    assert found["exchange_response_times"] == {"alpha": 12}
    assert found["exchange_availability"] == {"alpha": 100}
    assert found["active_users"] == 1250
    assert found["pnl_usd"] == 2
    assert (found["market_spread_bps"], found["quote_spread_bps"]) == (200, 100)
    volume = [value for (_, value) in all_series()["system:fill_volume_usd:increase1d"]]
    assert [found["trading_volume_usd"]] == volume


async def test_the_executive_summary(api: Api, server: Standin) -> None:
    """Its keys, and the figures of recorded series in the units of the shape."""
    found = await api.until("/api/executive-summary", lambda found: found["summary"]["status"] is not None)
    assert {name: set(found[name]) for name in EXECUTIVE} == {
        name: set(keys.split()) for name, keys in EXECUTIVE.items()
    }
    value = {name: values[0][1] for name, values in server.series.items()}
    assert found["summary"]["status"] == "excellent"
    assert found["summary"]["user_growth_rate"] == value["system:active_users:change28d"] * 100
    assert found["summary"]["system_uptime"] == round(value["system:uptime_seconds:min"] / 3600, 4)
    roi = found["performance_roi"]
    assert roi["time_saved_per_request_ms"] == value["system:time_saved_seconds:per_request"] * 1000
    assert roi["daily_time_saved_hours"] == round(value["system:time_saved_seconds:per_day"] / 3600, 4)
    assert roi["performance_advantage_description"] == (
        f"{value['system:improvement:factor']:.1f} times as quick as before, when it took 9.37 s"
    )
    assert found["competitive_analysis"]["market_position"] == "leader"
    assert found["competitive_analysis"]["competitive_advantages"] == [
        {
            "competitor_category": "retail HFT",
            "advantage_factor": 0.4,
            "description": "0.4 times as quick as a retail HFT system",
        },
        {
            "competitor_category": "traditional",
            "advantage_factor": 4,
            "description": "4.0 times as quick as a traditional system, and no less available",
        },
    ]
    later = await api.until(
        "/api/executive-summary", lambda found: found["competitive_analysis"]["unique_selling_proposition"]
    )
    assert later["competitive_analysis"]["unique_selling_proposition"] == (
        "Answers within 40 ms on average, ahead of 1 of 2 classes of systems."
    )
    assert found["operational_efficiency"]["cost_per_request"] == 0.0001
    assert found["operational_efficiency"]["uptime_percent"] == value["system:public_uptime:ratio1d"] * 100


async def test_the_operations_overview(api: Api) -> None:
    """Its keys, and what each level means in words."""
    found = await api.until("/api/operations-overview", lambda found: found["system_status"]["overall_health"])
    expected = {name: set(keys.split()) for name, keys in OPERATIONS.items()}
    assert {name: set(found[name]) for name in OPERATIONS} == expected
    assert found["system_status"] | {"uptime": 0} == {
        "overall_health": "degraded",
        "health_score": 9.5,
        "critical_issues": ["95% of the processors' time is in use", "requests take 120 ms on average"],
        "warnings": ["1.50% of requests fail"],
        "uptime": 0,
    }
    capacity = found["capacity_analysis"]
    assert capacity["current_utilization"] == {"cpu": 50, "memory": 50, "network": 50, "requests": 50}
    urgencies = [(each["resource"], each["urgency"]) for each in capacity["scaling_recommendations"]]
    assert urgencies == [("memory", "medium"), ("network", "high"), ("requests", "high")]
    assert capacity["scaling_recommendations"][0]["recommendation"].startswith("50% in use: ")
    assert capacity["projected_capacity_exhaustion"]["cpu"] == "2027-01-15T08:00:00Z"
    health = found["exchange_health"]
    assert (health["ecosystem_health"], health["redundancy_status"]) == ("healthy", "good")
    assert health["exchange_details"]["beta"] == {
        "status": "critical",
        "response_time_ms": 1250,
        "error_rate_percent": 6,
        "availability_percent": 94,
        "last_check": None,
    }
    assert "exchange_health.exchange_details.beta.last_check" in found["missing"]


async def test_trends_over_a_chosen_window(api: Api, server: Standin) -> None:
    """Half an hour or an hour; before a window is full there is not enough data, which is no failure of Prometheus."""
    server.series["system:trend:level30m"] = [({}, -1)]
    server.series["system:requests:change30m"] = [({}, 0.25)]
    path = "/api/operations-overview?duration_minutes=30"
    found = await api.until(path, lambda found: found["performance_trends"]["trend"] == "degrading")
    trends = found["performance_trends"]
    assert (trends["throughput_change_percent"], trends["duration_minutes"]) == (25, 30)
    server.series = {"system:trend:level60m": [({}, 1)]}
    found = await api.until(path, lambda found: found["performance_trends"]["trend"] == "not enough data")
    assert found["performance_trends"]["throughput_change_percent"] is None
    assert (
        "system:requests:change30m has no value now" in found["missing"]["performance_trends.throughput_change_percent"]
    )
    assert (await api.ask("/api/operations-overview"))["performance_trends"]["trend"] == "improving"


async def test_what_lasts_has_no_date(api: Api, server: Standin) -> None:
    """A resource that does not run out is something else than one of which nobody knows."""
    server.series["resource:exhaustion:timestamp_seconds"] = []
    server.series["resource:utilization:per_day"] = [({"resource": "cpu"}, -0.1)]
    place = "capacity_analysis.projected_capacity_exhaustion"
    found = await api.until("/api/operations-overview", lambda found: found["system_status"]["overall_health"])
    assert found["missing"][f"{place}.cpu"] == "it does not run out within a year, as far as its growth goes on"
    assert "resource:utilization:per_day has no value now" in found["missing"][f"{place}.memory"]


async def test_alerts_the_worst_first(api: Api, server: Standin) -> None:
    """As Alertmanager lists them, without the heartbeat; within a severity by Prometheus's rank of anomalies."""
    server.alerts += [told("TradingAnomaly", "warning", signal="pnl")]
    server.series["alertname_severity:alerts:rank"] = [
        ({"alertname": "TradingAnomaly", "severity": "warning"}, 1.8),
        ({"alertname": "TradingCpuHigh", "severity": "warning"}, 1),
        ({"alertname": "TradingExchangeUnavailable", "severity": "critical", "exchange": "beta"}, 2),
    ]
    order = ["TradingExchangeUnavailable", "TradingAnomaly", "TradingCpuHigh", "TradingAnomaly"]
    found = await api.until("/api/alerts", lambda found: [each["name"] for each in found["alerts"] or []] == order)
    counts = [found[f"{name}_alerts"] for name in ("critical", "warning", "info")]
    assert (found["active_alerts_count"], counts, found["source"]) == (4, [1, 2, 1], "alertmanager")
    assert found["alerts"][0] == {
        "id": "TradingExchangeUnavailable-critical-beta",
        "name": "TradingExchangeUnavailable",
        "severity": "critical",
        "where": "beta",
        "summary": "TradingExchangeUnavailable.",
        "description": "It is so.",
        "starts": "2026-11-20T11:00:00Z",
        "runbook_url": "https://example.org/TradingExchangeUnavailable",
    }
    overview = await api.ask("/api/operations-overview")
    assert overview["alerts_and_incidents"]["top_alerts"] == found["alerts"]


async def test_incidents_stand_in_for_alertmanager(tmp_path: Path) -> None:
    """What it told by itself counts where it cannot be asked, as long as it is heard of."""
    (tmp_path / "token").write_text("a1b2c3d4e5f6a7b8")
    async with asking(incidents={"token": {"file": str(tmp_path / "token")}}) as api:
        found = await api.ask("/api/alerts")
        assert found["alerts"] is None
        assert found["missing"]["alerts"].endswith("nor did it tell us anything lately")
        incidents, now = api.state.incidents, api.state.clock()
        for number, severity in enumerate(("warning", "critical", "other"), start=1):
            incidents.take(Incident(number, now, severity, severity, f"Trading{number}", "x", "So.", now - 60))
        incidents.take(Incident(4, now, "f4", "info", "Trading4", "", "Over.", now - 100, now - 40, resolved=True))
        incidents.hear()
        found = await api.ask("/api/alerts")
        assert [each["severity"] for each in found["alerts"]] == ["critical", "warning", "other"]
        assert (found["source"], found["active_alerts_count"]) == ("incidents", 3)
        found = (await api.ask("/api/operations-overview"))["alerts_and_incidents"]
        assert (found["recent_incidents_24h"], found["alert_trends"]) == (4, {"increasing": False, "pattern": "spike"})


async def test_history_is_a_list_of_what_was_measured(api: Api) -> None:
    """Without the reasons; as many minutes as asked for."""
    found = await api.until("/api/performance-history", lambda found: len(found) >= 2)
    assert all(set(PERFORMANCE) <= set(each) and "missing" not in each for each in found)
    assert (await api.ask("/api/performance-history?duration_minutes=1"))[-1].keys() == found[-1].keys()


@pytest.mark.parametrize("path", ["performance-history", "operations-overview"])
@pytest.mark.parametrize("given", ["0", "61", "x", "-5", "30.5", "", "1e1", "٣٠", "30&duration_minutes=30", "9" * 5000])
async def test_minutes_that_cannot_be(path: str, given: str) -> None:
    """They are refused with words that say what can be."""
    async with asking() as api:
        status, found = await api.get(f"/api/{path}?duration_minutes={given}")
        assert status == 400
        assert "minutes" in found["message"]


async def test_nobody_waits_for_a_server_that_hangs(api: Api, server: Standin) -> None:
    """While Prometheus and Alertmanager let their questions wait, all answers come at once, with what is known."""
    await api.until("/api/operations-overview", lambda found: found["system_status"]["overall_health"] == "degraded")
    server.hangs = True
    await server.hanging.wait()
    async with asyncio.TaskGroup() as tasks:
        for path in PATHS * 20:
            tasks.create_task(api.ask(f"/api/{path}"))
    found = await api.ask("/api/operations-overview")
    assert found["system_status"]["overall_health"] == "degraded"
    found = await api.until("/health", lambda found: found["overall_status"] == "degraded")
    assert found["services"]["upstream/prometheus"]["state"] == "down"
    assert found["services"]["upstream/prometheus"]["detail"] == "did not answer within 2 s"


async def test_a_token_is_asked_for(tmp_path: Path) -> None:
    """As for the metrics; only what the API is, is for everybody."""
    (tmp_path / "token").write_text("let-me-in")
    web = {"listen": "127.0.0.1:0", "bearer_token": {"file": str(tmp_path / "token")}}
    async with asking(web=web) as api:
        for path in PATHS:
            async with api.session.get(f"{api.url}/api/{path}") as answer:
                assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert (await api.get(f"/api/{path}", Authorization="Bearer let-me-in"))[0] == 200
        assert (await api.get("/api/openapi.json"))[0] == 200


async def test_health_has_scores(api: Api, server: Standin) -> None:
    """A number for each part, and one for all."""
    found = await api.until("/health", lambda found: found["services"]["upstream/alertmanager"]["score"] > 0)
    assert found["overall_status"] == "healthy"
    assert {"state", "score", "detail"} <= set(found["services"]["source/ring"])
    server.fault = (500, "")
    found = await api.until("/health", lambda found: found["overall_status"] == "degraded")
    found = await api.until("/health", lambda found: found["services"]["upstream/prometheus"]["score"] < 100)
    assert found["score"] < 100


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


CUT = """(cells) => cells.filter((each) => each.scrollWidth > each.clientWidth
    || each.getBoundingClientRect().right > document.querySelector("main").getBoundingClientRect().right)
    .map((each) => each.innerText)"""


@pytest.mark.parametrize("size", SIZES)
async def test_the_page_about_it_can_be_read_without_scrolling_sideways(browser: Browser, size: str) -> None:
    """Each cell of its tables is within the page, and the key takes no more than two fifths of it."""
    async with asking() as api, visit(browser, f"{api.url}/api/docs", SIZES[size]) as seen:
        assert await seen.page.eval_on_selector_all("th, td", CUT) == []
        assert await seen.is_within()
        widths = await seen.page.eval_on_selector_all("tr", "(all) => all.map((each) => each.clientWidth)")
        keys = await seen.page.eval_on_selector_all("th:first-child", "(all) => all.map((each) => each.clientWidth)")
        assert max(keys) <= 0.4 * min(widths)
        assert await seen.barriers() == []
