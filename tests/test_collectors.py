"""What a scrape says about a small known world, and how collectors fail."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.collectors import discover, gather
from exporter.errors import EventError
from exporter.events import Balance, Business, Cache, Outcome, PositionReport, Prediction, Request, SignalEvent
from exporter.exposition import Batch, Exposition
from exporter.intake import Intake
from exporter.journal import Figures
from exporter.journal.records import Incident, Sampled
from exporter.metrics import EXCHANGE_REQUESTS, EXCHANGE_UP, TABLE, Kind
from exporter.state.bots import BotState
from exporter.state.breaker import Breaker
from exporter.state.exchange import ErrorKind, Stream
from exporter.state.host import HostState
from exporter.state.state import State
from simulator.stack.binaries import find_binary
from tests.builders import MINIMAL, T0, book, config, fee, fill, order, quote

ACCOUNTS = (("", ""), ("alpha", "main"))
RISK = """
risk:
  capital_usd: {alpha/main: 1000}
  limits: {symbol_usd: {BTC/USDT: 500}, exchange_usd: {alpha: 1000}, total_usd: 2000}
models: {reference: 10, window: 10, bins: 2}
incidents: {token: {env: PATH}}
sms: {token: {env: PATH}, urls: [{env: PATH}]}
targets: {loss_usd: 1000, model_accuracy_ratio: 0.55}
"""
GOLDEN = Path(__file__).with_name("golden_metrics.txt")


def small_world() -> State:
    """A state in which every family has a sample."""
    state = State(config(MINIMAL + RISK), clock=lambda: T0 + 2)
    intake = Intake(state)
    exchange = state.exchanges["alpha"]
    exchange.up, exchange.clock_offset, exchange.rate_limit_used = True, 0.25, 0.1
    exchange.request("fetch_time", 0.012, None)
    exchange.request("fetch_time", 5.0, ErrorKind.TIMEOUT)
    exchange.throttle_wait.observe(0.0005)
    exchange.flows(Stream.BOOKS, "BTC/USDT")
    exchange.flows(Stream.FILLS, "ETH/USDT")
    exchange.broke(Stream.FILLS, "BTC/USDT", ErrorKind.NETWORK)
    exchange.backfilled["main"] = 1
    intake.accept(book(99.0, 101.0, T0), "ccxt")
    intake.accept(quote(99.0, 101.5, T0), "push")
    intake.accept(fill("1", "buy", "99", "2", T0, fee=fee("0.01"), liquidity="maker"), "ccxt")
    intake.accept(fill("2", "sell", "101", "1", T0 + 1, fee=fee("-0.02"), liquidity="taker"), "ccxt")
    intake.accept(fill("2", "sell", "101", "1", T0 + 1, fee=fee("-0.02"), liquidity="taker"), "ccxt")
    for number, status in enumerate(("open", "canceled", "rejected")):
        intake.accept(order(str(number), status), "ccxt")
    timed = order("3", "open", "sell", T0, sent_ts=T0, ack_ts=T0 + 0.003, decision_price=Decimal(100))
    intake.accept(timed, "push")
    intake.accept(fill("3", "sell", "101", "0.5", T0 + 1, order_id="3", liquidity="maker"), "push")
    intake.accept(book(99.0, 101.0, T0 + 1.75), "ccxt")
    state.stream.refused["rate"] += 1
    intake.reject(EventError("price", "price is -1"), "ccxt")
    intake.accept(book(99.0, 101.0, T0, symbol="BTC/USDT:USDT"), "ccxt")
    for total, ago in ((1000, 100), (1001, 50)):
        balance = Balance(exchange="alpha", account="main", currency="USDT", total=Decimal(total), ts=T0 - ago)
        state.ledger.balance(balance, T0 - ago)
        list(state.ledger.reconcile(T0))
    held = PositionReport(exchange="alpha", account="main", symbol="BTC/USDT:USDT", quantity=Decimal("0.5"), ts=T0 - 50)
    state.ledger.position(held, T0 - 50)
    list(state.ledger.reconcile(T0))
    state.risk.restore(Sampled(T0 - 300 * ago, *key, ago % 7, 7.0) for ago in range(120, 0, -1) for key in ACCOUNTS)
    for each in signals():
        intake.accept(each, "push")
    state.host = HostState({"user": 7.0, "idle": 90.0}, 8192.0, 4096.0, boot=T0 - 3600, journal_free_bytes=1e9)
    state.host.disk = state.host.disk_bytes = {"read": 5.0}
    state.host.network_bytes = {"receive": 7.0}
    state.signals.servers["sessions", "l3"] = True
    state.bots["swinger"] = BotState(
        "freqtrade",
        up=True,
        running=True,
        dry_run=True,
        version="2026.9",
        strategy="Swing",
        last_seen=T0,
        open_trades=3,
        missed=2,
    )
    state.journal.figures = Figures({"lasting": 2, "passing": 1}, {"lasting": 3, "passing": 1}, 4, 8192, T0 + 1)
    state.journal.commits.observe(0.002)
    state.incidents.take(Incident(1, T0, "f1", "warning", "TradingCpuHigh", "", "Busy.", T0 - 90, T0, resolved=True))
    state.incidents.take(Incident(2, T0, "f2", "critical", "TradingExchangeUnavailable", "alpha", "Gone.", T0))
    state.incidents.hear()
    state.components["exchange/alpha"].up = True
    state.breakers["source/host"] = Breaker(state.config.supervision, failures=7, restarts=6)
    state.push.requests[200] += 1
    state.push.durations.observe(0.004)
    state.push.received_bytes += 262
    state.dropped["trading_fills_total"] = 7
    return state


def signals() -> Iterator[SignalEvent]:
    """What the user's own systems tell."""
    yield Request(app="orders", route="/orders/{id}", status=200, duration=0.042, ts=T0)
    yield Cache(
        cache="quotes",
        hits=912,
        misses=88,
        evictions=3,
        entries=50,
        memory_bytes=4096,
        memory_limit_bytes=8192,
        warmed_entries=100,
        warmed_hits=80,
        ts=T0,
    )
    for number in range(20):
        yield Prediction(
            model="mid-5s",
            value=number / 4,
            prediction_id=str(number),
            inference_seconds=0.003,
            features={"imbalance": number / 10},
            ts=T0,
        )
    yield Outcome(model="mid-5s", prediction_id="4", value=1.5, ts=T0)
    yield Outcome(model="mid-5s", predicted="up", value="down", ts=T0)
    yield Business(name="active_users", value=1250, ts=T0)
    yield Business(name="revenue_usd", value=12.5, kind="increment", ts=T0)


async def scrape(state: State) -> str:
    exposition = Exposition(1000, 1000, state.dropped)
    return "".join([part async for part in exposition.render(gather(discover(), state))])


async def test_the_golden_scrape() -> None:
    """The whole exposition of a small world is as reviewed; UPDATE_GOLDEN=1 writes it anew."""
    text = await scrape(small_world())
    text = re.sub(r"(duration_seconds\{collector=.*\}) .*", r"\1 0.001", text)
    text = re.sub(r'python="[^"]*"', 'python="3"', text)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


async def test_every_family_of_the_table_is_exported() -> None:
    """No family is declared in vain, and its samples carry exactly the labels of the table."""
    families = {family.name: family for family in text_string_to_metric_families(await scrape(small_world()))}
    for declared in TABLE:
        name = declared.name.removesuffix("_total") if declared.kind is Kind.COUNTER else declared.name
        assert families[name].samples, declared.name
        for sample in families[name].samples:
            assert set(sample.labels) - {"le"} == set(declared.labels), declared.name


def test_promtool_finds_nothing_to_complain_about() -> None:
    """Prometheus' own linter accepts the exposition."""
    promtool = find_binary("promtool")
    text = asyncio.run(scrape(small_world()))
    checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_names_follow_the_conventions() -> None:
    """Counters end in _total and nothing else does; no percent, no milliseconds."""
    for family in TABLE:
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER), family.name
        assert not re.search(r"percent|_ms_|_ms$|milli", family.name), family.name
        assert family.help.endswith("."), family.name


async def test_a_failing_collector_takes_only_its_own_families_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """The rest of the scrape is there, and the failure is a metric and a log line."""

    def broken(_: State) -> Iterator[Batch]:
        yield EXCHANGE_UP, ((("alpha",), 1 / divisor) for divisor in (1, 0))
        yield EXCHANGE_REQUESTS, []

    state = small_world()
    chosen = {**discover(), "exchange": broken}
    text = "".join([part async for part in Exposition(999, 999, defaultdict(int)).render(gather(chosen, state))])
    assert 'trading_collector_success{collector="exchange"} 0' in text
    assert 'trading_collector_success{collector="trading"} 1' in text
    assert "trading_exchange_up" not in text
    assert "trading_position_base{" in text
    assert "collector failed" in caplog.text


async def test_what_is_not_known_has_no_sample() -> None:
    """Without a mid there is a position but no unrealised PnL, no total and no notional."""
    state = State(config(), clock=lambda: T0)
    Intake(state).accept(fill("1", "buy", "99", "2"), "ccxt")
    text = await scrape(state)
    assert "trading_position_base{" in text
    for family in ("pnl_unrealized_usd", "pnl_total_usd", "position_notional_usd", "market_mid_price"):
        assert f"trading_{family}{{" not in text
