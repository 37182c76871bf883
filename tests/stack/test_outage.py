"""An exchange is switched off and on again, with every program real.

Every file is as committed, but all times in rules and routes are divided by `FACTOR`, as is the time between two
probes, and scrapes come each second: an alert is kept firing for half a minute, and not for five.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.alertmanager.routes import made_of, quicker
from tests.stack import pace
from tests.stack.conftest import NewHarness
from tests.stack.harness import Harness, Listener, Options, Received, eventually

FACTOR = 10
OTHERS = ("beta", "gamma")
SYMPTOMS = re.compile(r"runbook\.md#trading(exchange|marketdata|ratelimit)")  # what an outage would make fire

pytestmark = pytest.mark.stack


def in_quick_time(url: str) -> Options:
    """The stack's, with Slack and PagerDuty at this address."""
    channels = {"slack": {"enabled": True}, "pagerduty": {"enabled": True, "url": f"{url}/pagerduty"}}
    told = {**channels, "email": {"enabled": False}}
    return Options(
        each_exchange={"probe_interval": 0.5},
        prometheus_overrides=pace.EACH_SECOND,
        prometheus_edit=quicken_rules,
        secrets={"slack_url": f"{url}/slack", "pagerduty_key": "a-routing-key"},
        channels=channels,
        alertmanager_overrides={"route": quicker(made_of(told)["route"], FACTOR)},
    )


def quicken_rules(folder: Path) -> None:
    for path in (folder / "rules").rglob("*.yml"):
        pace.quicken(path, FACTOR)


@pytest.mark.timeout(300)
async def test_an_outage_is_told_and_its_end_too_and_the_others_never_gap(
    new_harness: NewHarness, listener: Listener
) -> None:
    """Slack and PagerDuty hear of the one exchange, then of its recovery; the other two have every sample."""
    harness = await new_harness(in_quick_time(listener.url))
    await harness.start()
    await eventually(lambda: all_is_well(harness), 60)
    began = time.time()

    await harness.add_fault("alpha", kind="down")
    slack = await listener.wait_for(lambda got: is_slack(got, "danger"), 90)
    page = await listener.wait_for(lambda got: is_page(got, "trigger"), 90)
    print(f"announced {time.time() - began:.0f} s after the exchange was switched off")
    assert "alpha" in str(slack.body)
    assert not any(name in str(slack.body) for name in OTHERS)
    assert page.body["routing_key"] == "a-routing-key"
    assert page.body["payload"]["severity"] == "critical"

    await harness.clear_faults("alpha")
    recovered = time.time()
    resolved = await listener.wait_for(lambda got: is_page(got, "resolve"), 120)
    await listener.wait_for(lambda got: is_slack(got, "good"), 60)
    print(f"resolved {time.time() - recovered:.0f} s after it was switched on")
    assert resolved.body["dedup_key"] == page.body["dedup_key"]

    # One outage is one message to each channel, however many alerts its symptoms would make; after the cooldown it
    # may be told once more. Alerts about other things, such as a busy machine, may fire as well.
    told = [got for got in listener.received if SYMPTOMS.search(str(got.body))]
    assert all("An exchange does not answer." in str(got.body) for got in told)
    beginnings = [got for got in told if is_slack(got, "danger") or is_page(got, "trigger")]
    assert len(beginnings) in {2, 4}
    assert len(told) - len(beginnings) == 2
    await assert_no_gaps(harness, began, time.time())


async def all_is_well(harness: Harness) -> bool:
    """Whether all three exchanges are up, with fills, and Prometheus has evaluated its rules on them."""
    up = await harness.prometheus_query("trading_exchange_up == 1")
    fills = await harness.prometheus_query("sum by (exchange) (trading_fills_total) > 0")
    judged = await harness.prometheus_query("exchange:availability:ratio_rate1m == 1")
    return len(up) == len(fills) == len(judged) == 3


def is_slack(got: Received, colour: str) -> bool:
    """Whether this is a message in Slack's shape whose attachment has this colour."""
    attachments: list[dict[str, Any]] = got.body.get("attachments", []) if got.path == "/slack" else []
    return any(attachment["color"] == colour for attachment in attachments) and bool(SYMPTOMS.search(str(got.body)))


def is_page(got: Received, action: str) -> bool:
    """Whether this is an event in the shape of PagerDuty's Events API v2."""
    is_one = got.path == "/pagerduty" and got.body["event_action"] == action
    return is_one and bool(SYMPTOMS.search(str(got.body)))


async def assert_no_gaps(harness: Harness, began: float, ended: float) -> None:
    """Each scrape of the time has the others' figures: up, answering, with data as fresh as the target asks."""
    window = f"[{int(ended - began)}s]"
    (scrapes,) = await harness.prometheus_query(f'sum_over_time(up{{job="trading-exporter"}}{window})')
    assert scrapes.value >= 0.9 * (ended - began)  # one a second, which a busy machine may miss at times
    for exchange in OTHERS:
        chosen = f'{{exchange="{exchange}"}}'
        for name in ("trading_exchange_up", "trading_market_mid_price", "trading_pnl_total_usd"):
            counts = await harness.prometheus_query(f"count_over_time({name}{chosen}{window})")
            assert counts, name
            assert all(sample.value >= scrapes.value - 1 for sample in counts), (name, counts, scrapes)
        (lowest,) = await harness.prometheus_query(f"min_over_time(trading_exchange_up{chosen}{window})")
        assert lowest.value == 1
        errors = await harness.prometheus_query(f"sum(trading_exchange_request_errors_total{chosen})")
        assert errors[0].value == 0
        age = (
            f"timestamp(trading_market_data_timestamp_seconds{chosen}) - trading_market_data_timestamp_seconds{chosen}"
        )
        oldest = await harness.prometheus_query(f"max(max_over_time(({age}){window[:-1]}:1s]))")
        target = await harness.prometheus_query("max(trading_target_market_data_age_seconds)")
        assert oldest[0].value < target[0].value
