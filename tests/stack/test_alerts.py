"""Every alert fires from its cause and reaches its channels, with every program real.

Nothing is posted to Prometheus or Alertmanager: causes enter where they do in life. What is not as committed:

- All times in rules and routes are divided by `FACTOR`, those of the objectives, which reach over days, by
  `SLO_FACTOR`; scrapes and evaluations come each second (`pace`). The six hours for which capacity has to run out are
  half a minute, and mail waits for 11 and 12 min, before that division, and not for 15 and 60.
- Rules that ask for days are given them: Prometheus starts with two hours, which are more than a day to the rules, of
  what it would have recorded on quiet days (`HISTORY`).
- Thresholds are set for what can be done to a machine that has other things to do: CPU, memory and disk alert at any
  use; errors are critical when half of our requests fail, or nearly all of an exchange's, so that what comes before is
  seen for certain; failures of objectives are counted `SLO_FACTOR` times too high (`pace`), and compared with as many.
- Prometheus has one rule more, which cannot be evaluated, one Alertmanager more, which is not there, and drops one of
  the thresholds when it scrapes.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from tests.alertmanager.test_routes import TABLE
from tests.stack import causes, pace
from tests.stack.conftest import NewHarness
from tests.stack.harness import Listener, Received, eventually
from tests.stack.wired import AFTER, FACTOR, TARGETS, Play, Seen, playing

pytestmark = pytest.mark.stack

CHAT = {"slack", "discord"}
AT_ONCE = {"critical": {"pagerduty", "sms", *CHAT}, "warning": CHAT, "info": {"slack"}}
"""The channels of each receiver of the table: Discord is told of what is critical or a warning, texts of the first."""

ROWS = {(name, severity): receivers for name, severity, cooldown, receivers in TABLE if cooldown}
SYMPTOMS = ("TradingExchangeErrorRateHigh", "TradingExchangeLatencyHigh", "TradingMarketDataStale")
OF_THE_WAY = {"TradingExporterDown", "TradingWatchdog", "TradingAlertmanagerDown", "TradingAlertsDropped"}
OF_THE_WAY |= {"TradingPrometheusRuleFailing", "TradingNotificationsFailing"}


@pytest.mark.timeout(400)
async def test_every_alert_is_told_from_its_cause_to_its_channels(
    tmp_path: Path, new_harness: NewHarness, listener: Listener
) -> None:
    """Each row of the table reaches its channels and no other, at once and after its wait, whatever else is wrong."""
    listener.refused, listener.refusal = frozenset({"/discord", "/heartbeat"}), 403
    async with playing(tmp_path, new_harness, listener) as play:
        await everything_goes_wrong(play)
        await alertmanager_is_late(play)
        await asyncio.gather(
            an_exchange_dies_and_comes_back(play),
            channels_are_dead(play),
            texts_cannot_be_sent(play),
            the_api_gets_slower(play),
            the_api_fails(play),
            money_is_lost(play),
            a_journal_is_lost(play),
        )
        await play.until_told({row: at_once(receivers) for row, receivers in ROWS.items()})
        await play.until_told({row: {"mail"} for row, receivers in ROWS.items() if "email" in receivers})
        assert_told_exactly(play)
        assert_mailed_after_its_wait(play)
        assert_held_back(play)
        await no_exporter_is_left(play)


def at_once(receivers: str) -> set[str]:
    """The channels of a row of the table that are told at once."""
    name, _, mailed = receivers.partition(",")[0].partition("-")
    return AT_ONCE[name] | ({"mail"} if mailed else set())


async def everything_goes_wrong(play: Play) -> None:
    """All causes that hide no other."""
    harness, desk = play.harness, play.desk
    await play.push(desk.trades())
    desk.seconds, desk.failing, desk.feature = 0.06, 0.3, 5.0
    for fault in ({"kind": "latency", "seconds": 1.2}, {"kind": "rate_limit"}):
        await harness.add_fault("gamma", route="/0/", **fault)
    await harness.add_fault("delta", kind="latency", seconds=0.7, route="/api/")
    await harness.add_fault("delta", kind="rate_limit", probability=0.5, route="/api/v3/time")
    await harness.add_fault("delta", kind="rate_limit", route="/api/v3/depth")
    await harness.add_fault("delta", kind="timeout", route="stream")
    play.cache.stop()
    play.node_runs = False


async def alertmanager_is_late(play: Play) -> None:
    """Prometheus misses it for some seconds; when it is there, and knows what to be silent about, accounts drift."""
    missed = "count_over_time(ALERTS{alertname='TradingAlertsDropped',alertstate='firing'}[20s]) >= 11"
    await eventually(lambda: play.harness.prometheus_query(missed))
    await play.harness.start("alertmanager")
    await play.silence(exchange="silent")
    play.desk.vault, play.desk.contracts = "900", "0.1"


async def a_journal_is_lost(play: Play) -> None:
    """The spare exporter's loses its end, then a row that a late fill needs, and then its disk is full."""
    spare, began = play.spare, time.time() - 10_000
    await play.push(causes.book("spare", began), spare)
    for first in range(0, 3000, 500):
        await play.push(causes.fills(first, first + 500, began), spare)
    await spare.stack.stop("exporter")
    causes.damage(play.journal, causes.rows(play.journal))
    await spare.start("exporter")
    causes.damage(play.journal, 2)
    await play.push(causes.fills(10, 11, began + 0.5, "late"), spare)
    await play.until_told({("TradingJournalBookTorn", "critical"): {"slack"}})
    causes.fill_disk(spare.stack.pid("exporter"), 65_536)
    await play.push(causes.fills(4000, 4001, began), spare)


async def an_exchange_dies_and_comes_back(play: Play) -> None:
    """It is told, its symptoms are not; back before anybody is mailed, it no more says what the account holds.

    Another one dies as well, and stays away.
    """
    await play.harness.add_fault("alpha", kind="timeout")
    await play.harness.add_fault("beta", kind="down")
    symptoms = {Seen(name, "warning", "alpha", "suppressed") for name in SYMPTOMS}

    async def are_held_back() -> bool:
        return symptoms <= play.seen

    try:
        await eventually(are_held_back)
    except AssertionError:
        raise AssertionError(f"not held back: {symptoms - play.seen}\n{play.summary()}") from None
    await play.harness.clear_faults("alpha")
    await play.harness.add_fault("alpha", kind="rate_limit", route="/api/v3/account")


async def channels_are_dead(play: Play) -> None:
    """Discord and the heartbeat refuse all; the other channels say so, and go on."""
    failing = "TradingNotificationsFailing", "critical"
    await play.until_told({failing: {"slack", "pagerduty"}})
    assert "discord" not in {one.channel for one in play.told}
    play.listener.refused -= {"/discord"}
    await play.until_told({failing: {"mail"}})
    play.listener.refused -= {"/heartbeat"}


async def texts_cannot_be_sent(play: Play) -> None:
    """Their gateway takes a few, and then none for a while."""
    await play.until_told({("TradingAlertsDropped", "critical"): {"sms"}})
    play.listener.refused |= {"/sms"}
    await play.until_told({("TradingTextsFailing", "critical"): {*CHAT, "pagerduty", "mail"}})
    play.listener.refused -= {"/sms"}


async def the_api_gets_slower(play: Play) -> None:
    """It is slower than usual, then too slow, then far too slow."""
    await play.until_told({("TradingResponseTimeAnomaly", "warning"): {*CHAT, "mail"}})
    play.desk.seconds = 0.3
    await play.until_told({("TradingResponseTimeHigh", "warning"): {*CHAT, "mail"}})
    play.desk.seconds = 0.9


async def the_api_fails(play: Play) -> None:
    """It fails more than the objective allows, then nearly always, and then now and then."""
    await play.until_told({("TradingSloBurnRate", "critical"): {*CHAT, "mail"}})
    play.desk.failing = 0.9
    await play.until_told({("TradingErrorRateHigh", "critical"): AT_ONCE["critical"]})
    await a_cause_flaps(play)


async def money_is_lost(play: Play) -> None:
    """More than usual, and then more than may be."""
    play.desk.sol = 95.0
    await play.until_told({("TradingPnlAnomaly", "warning"): {*CHAT, "mail"}})
    play.desk.sol = 80.0


async def a_cause_flaps(play: Play) -> None:
    """An error rate that comes and goes is told once in a cooldown, and not as over."""
    (cooldown,) = (row[2] for row in TABLE if row[0] == "TradingErrorRateHigh")
    began, limit = time.time(), TARGETS["error_ratio"]["critical"]
    for share in (0.0, 0.9, 0.0, 0.9):
        play.desk.failing = share
        await asyncio.sleep(5)
    seconds = time.time() - began
    (ratios,) = await play.harness.prometheus_range("system:request_errors:ratio_rate1m", began, began + seconds, 1)
    assert min(sample.value for sample in ratios) < limit < max(sample.value for sample in ratios)
    messages = [one for one in play.told if one.alert == "TradingErrorRateHigh" and one.at >= began]
    assert all(one.severity for one in messages), messages
    for channel in AT_ONCE["critical"]:
        count = sum(one.channel == channel for one in messages)
        assert 1 <= count <= 1 + seconds * FACTOR / pace.seconds(cooldown), (channel, seconds, messages)


def assert_told_exactly(play: Play) -> None:
    """Nobody was told of what is not his, nor of anything that the table has not."""
    problems = []
    for row in {(one.alert, one.severity) for one in play.told if one.severity}:
        expected = at_once(ROWS[row]) | ({"mail"} if "email" in ROWS[row] else set()) if row in ROWS else set()
        if (found := play.channels(*row)) != expected:
            problems.append(f"{' '.join(row)}: told {sorted(found)}, expected {sorted(expected)}")
    assert not problems, "\n".join([*problems, play.summary()])


def assert_mailed_after_its_wait(play: Play) -> None:
    """What is mailed later is mailed no sooner, and never what was over by then."""
    for (name, severity), receivers in ROWS.items():
        if receivers.endswith(",email"):
            wait = pace.seconds(AFTER[severity]) / FACTOR
            first = min(
                one.at for one in play.told if (one.alert, one.severity, one.channel) == (name, severity, "mail")
            )
            assert first >= play.starts[name, severity] + wait, (name, severity, first, play.starts[name, severity])
    mailed = {one.where for one in play.told if (one.alert, one.channel) == ("TradingExchangeUnavailable", "mail")}
    assert mailed == {"beta"}


def assert_held_back(play: Play) -> None:
    """Nobody heard of symptoms, of what is in maintenance or silenced, or of a warning whose critical alert fires."""
    of_an_outage = {"TradingExchangeUnavailable", "TradingSloBurnRate"}
    assert about(play, "alpha") <= {*of_an_outage, "TradingComponentDown"}
    assert about(play, "beta") <= of_an_outage
    assert not about(play, "closed")
    assert not about(play, "silent")
    for name, severity in (("TradingPositionDrift", "critical"), ("TradingBalanceDrift", "warning")):
        assert Seen(name, severity, "closed", "active") in play.seen
        assert Seen(name, severity, "silent", "suppressed") in play.seen
    assert Seen("TradingResponseTimeHigh", "warning", "", "suppressed") in play.seen
    assert "TradingWatchdog" not in {one.alert for one in play.told}


def says(path: str, words: str, got: Received) -> bool:
    """Whether this came to an address, with these words in it."""
    return got.path == path and words in str(got.body)


def about(play: Play, exchange: str) -> set[str]:
    """The alerts of an exchange that anybody was told of."""
    return {one.alert for one in play.told if exchange in one.where.split()}


async def no_exporter_is_left(play: Play) -> None:
    """That is told, though texts can no more be sent, and the watchdog is heard; all that comes of it is held back."""
    await play.spare.stack.stop("exporter", kill=True)
    await play.harness.stack.stop("exporter", kill=True)
    for path in ("/slack", "/pagerduty", "/discord"):
        await play.listener.wait_for(partial(says, path, "no other exporter"))

    async def all_is_held_back() -> bool:
        others = [alert for alert in await play.alerts() if alert["labels"]["alertname"] not in OF_THE_WAY]
        return bool(others) and {alert["status"]["state"] for alert in others} == {"suppressed"}

    await eventually(all_is_held_back)
    now = time.time()
    await play.listener.wait_for(lambda got: got.path == "/heartbeat" and got.at > now)
    await play.harness.stack.stop("alertmanager", kill=True)  # it would wait for those who are gone
