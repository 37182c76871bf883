"""A node of nautilus_trader, as it writes to a real Redis, followed by the exporter."""

from __future__ import annotations

import json
import logging
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from redis import Redis

from exporter.events import BookKey
from exporter.ledger.book import Book
from tests.servers import RedisServer, redis_server
from tests.sources.nautilus.conftest import BASE, PERPETUAL, SPOT, TRADER, Bot, Watching, watching

AT = "1760000000123456789"
KEY = BookKey("binance", "main", "BTC/USDT", "MM-001")
CONTRACT = BookKey("binance", "main", "BTC/USDT:USDT", "MM-001")


def book(exporter: Watching, key: BookKey = KEY) -> Book:
    return exporter.state.ledger.books[key]


def warnings(caplog: pytest.LogCaptureFixture, part: str) -> int:
    """How often something was said at the level of a warning or above."""
    severe = [record for record in caplog.records if record.levelno >= logging.WARNING]
    texts = [f"{record.getMessage()} {getattr(record, 'detail', '')}" for record in severe]
    return sum(part in text for text in texts)


# Commissions: what users of nautilus complain about.


async def test_a_commission_counts_once_however_often_its_fill_is_published(server: RedisServer, bot: Bot) -> None:
    """Nautilus publishes a fill on two topics, and again when it reconciles (complaint 725)."""
    for _ in range(2):
        bot.fill("T-1", "BUY", "0.5", "60000.10", commission="12.20 USDT")
    last: Any = bot.redis.xrevrange(f"{BASE}:events.order.MM-001", count=1)
    bot.say(f"events.fills.{SPOT}", last[0][1][b"payload"])
    bot.fill("T-2", "BUY", "0.5", "60000.10", commission="0.30 USDT")
    async with watching(server.port) as exporter:
        await exporter.fills(2)
        assert book(exporter).sums.fee_amounts == {"USDT": Decimal("12.50")}


async def test_the_commission_of_the_closing_fill_counts(server: RedisServer, bot: Bot) -> None:
    """Both commissions of a round trip are in its result (complaint 1035)."""
    bot.fill("T-1", "BUY", "0.5", "60000", commission="6.00 USDT")
    bot.fill("T-2", "SELL", "0.5", "60100", commission="6.01 USDT")
    async with watching(server.port) as exporter:
        await exporter.fills(2)
        assert book(exporter).sums.fee_amounts == {"USDT": Decimal("12.01")}
        assert book(exporter).running.position.quantity == 0
        assert await exporter.value("pnl_total_usd", symbol="BTC/USDT") == pytest.approx(50 - 12.01)


async def test_commissions_in_three_currencies_are_kept_apart(server: RedisServer, bot: Bot) -> None:
    """Each is counted in the currency that it was paid in, a rebate as one (complaint 737)."""
    bot.fill("T-1", "BUY", "0.5", "60000", commission="6.00 USDT")
    bot.fill("T-2", "BUY", "0.5", "60000", commission="0.00050000 BTC", liquidity_side="TAKER")
    bot.fill("T-3", "SELL", "0.5", "60000", commission="0.01 BNB")
    bot.fill("T-4", "SELL", "0.4", "60000", commission="-2.50 USDT")
    async with watching(server.port) as exporter:
        await exporter.fills(4)
        fees = {"USDT": Decimal("3.50"), "BTC": Decimal("0.00050000"), "BNB": Decimal("0.01")}
        assert book(exporter).sums.fee_amounts == fees
        assert book(exporter).running.position.quantity == Decimal("0.0995")  # less the fee that was taken from it
        counts = {split: found.count for split, found in book(exporter).sums.splits.items()}
        assert counts == {("buy", "maker"): 1, ("buy", "taker"): 1, ("sell", "maker"): 2}


# Identity.


async def test_a_trade_between_two_orders_of_the_account_is_two_fills(
    server: RedisServer, bot: Bot, tmp_path: Path
) -> None:
    """The venue has one id for both sides; each counts once, over a restart and in either order."""

    def tell(*sides: str) -> None:
        for side in sides:
            bot.fill("T-1", side, "0.5", "60000", client_order_id=f"O-{side}", venue_order_id=f"V-{side}", ts_event=AT)

    tell("BUY", "SELL")
    async with watching(server.port, journal=tmp_path / "journal") as exporter:
        await exporter.fills(2)
        assert book(exporter).running.position.quantity == 0
    bot.redis.delete(f"{BASE}:events.order.MM-001")
    tell("SELL", "BUY")
    bot.fill("T-2", "BUY", "0.1", "60000")
    async with watching(server.port, journal=tmp_path / "journal") as exporter:
        await exporter.fills(1)
        assert book(exporter).running.position.quantity == Decimal("0.1")
        assert dict(exporter.state.intake.rejected) == {}
        assert (book(exporter).account.duplicates, book(exporter).account.conflicts) == (0, 0)


# Following.


async def test_what_happens_while_we_watch_is_taken_at_once(server: RedisServer, bot: Bot) -> None:
    """A fill and an order arrive as news, with the delay between placing the order and its acceptance."""
    async with watching(server.port) as exporter:
        await exporter.settled()
        sent = time.time_ns()
        bot.order("OrderInitialized", "O-1", order_side="BUY", quantity="2.0", options={"price": "60000.0"})
        bot.order("OrderSubmitted", "O-1", ts_init=str(sent))
        bot.order("OrderAccepted", "O-1", venue_order_id="V-1", ts_event=str(sent), ts_init=str(sent + 30_000_000))
        await exporter.eventually(lambda state: state.orders.open(KEY) == {"V-1": "buy"})
        bot.order("OrderUpdated", "O-1", venue_order_id="V-1", quantity="1.0", price="60001.0")
        await exporter.eventually(lambda state: state.orders.books[KEY].top == (60001.0, None))
        bot.fill("T-1", "BUY", "0.4", "60000.0", client_order_id="O-1", venue_order_id="V-1")
        await exporter.fills(1)
        assert exporter.state.orders.open(KEY) == {"V-1": "buy"}
        bot.fill("T-2", "BUY", "0.6", "60000.0", client_order_id="O-1", venue_order_id="V-1")
        await exporter.fills(2)
        await exporter.eventually(lambda state: state.orders.open(KEY) == {})
        assert sum(exporter.state.intake.lag["fill"].counts) == 2
        assert await exporter.value("order_ack_seconds_count", symbol="BTC/USDT") == 1
        assert await exporter.value("order_ack_seconds_sum", symbol="BTC/USDT") == pytest.approx(0.03, abs=1e-6)


async def test_the_clock_of_redis_may_be_off(server: RedisServer) -> None:
    """An hour behind ours, it makes no node silent and no order old."""
    late = Bot(server.port, clock_behind=3600)
    with late.redis:
        late.define(SPOT)
        late.order("OrderInitialized", "O-1", order_side="BUY", quantity="1.0")
        async with watching(server.port, heartbeat_timeout=5) as exporter:
            await exporter.settled()
            late.heartbeat()
            await exporter.until("bot_up", 1, bot="node")
            late.order("OrderAccepted", "O-1", venue_order_id="V-1")
            await exporter.eventually(lambda state: state.orders.open(KEY) == {"V-1": "buy"})


async def test_an_order_for_an_amount_of_money_ends_with_its_fill(server: RedisServer, bot: Bot) -> None:
    """Its quantity is in the quote currency, which its fills are not measured by."""
    async with watching(server.port) as exporter:
        await exporter.settled()
        bot.order("OrderInitialized", "O-1", order_side="BUY", quantity="30000", quote_quantity=True)
        bot.order("OrderAccepted", "O-1", venue_order_id="V-1")
        bot.fill("T-1", "BUY", "0.5", "60000", client_order_id="O-1", venue_order_id="V-1")
        await exporter.fills(1)
        await exporter.eventually(lambda state: state.intake.accepted["order", "nautilus"] == 2)
        assert exporter.state.orders.open(KEY) == {}


async def test_orders_that_come_to_nothing_say_why(server: RedisServer, bot: Bot) -> None:
    """Denied, refused by the venue, canceled and expired orders are counted, the first two by reason."""
    async with watching(server.port) as exporter:
        await exporter.settled()
        for number in range(6):
            bot.order("OrderInitialized", f"O-{number}", order_side="SELL", quantity="1.0")
        bot.order("OrderDenied", "O-0", account_id=None, reason="NOTIONAL_EXCEEDS_FREE_BALANCE")
        bot.order("OrderRejected", "O-1", reason="POST_ONLY would take", due_post_only=True)
        bot.order("OrderRejected", "O-2", reason="Account has insufficient balance for requested action.")
        bot.order("OrderRejected", "O-3", reason="Unknown")
        bot.order("OrderCanceled", "O-4", venue_order_id="V-4")
        bot.order("OrderExpired", "O-5", venue_order_id="V-5")
        bot.order("OrderCanceled", "placed before the stream begins", venue_order_id="V-6")
        await exporter.eventually(lambda state: state.intake.accepted["order", "nautilus"] == 6)
        counts = [found for key, found in exporter.state.orders.books.items() if key.strategy == "MM-001"]
        rejected = {reason: count for found in counts for reason, count in found.rejected.items()}
        assert rejected == {"denied": 1, "post_only": 1, "insufficient_funds": 1, "exchange": 1}
        assert sum(found.canceled["sell"] for found in counts) == 2


async def test_a_restart_reads_everything_again_and_counts_nothing_twice(
    server: RedisServer, bot: Bot, tmp_path: Path
) -> None:
    """The old fills are known, and those of the time between are caught up with; no duplicate is counted."""
    bot.fill("T-1", "BUY", "0.5", "60000")
    async with watching(server.port, journal=tmp_path / "journal") as exporter:
        await exporter.fills(1)
        bot.order("OrderInitialized", "O-9", order_side="BUY", quantity="1.0")
        bot.order("OrderAccepted", "O-9", venue_order_id="V-9")
        await exporter.eventually(lambda state: "V-9" in state.orders.open(KEY))
    bot.fill("T-2", "BUY", "0.25", "60000")
    bot.order("OrderCanceled", "O-9", venue_order_id="V-9")
    async with watching(server.port, journal=tmp_path / "journal") as exporter:
        await exporter.fills(1)
        await exporter.settled()
        assert book(exporter).running.position.quantity == Decimal("0.75")
        assert book(exporter).account.duplicates == 0
        assert exporter.state.orders.open(KEY) == {}


async def test_reading_can_begin_later_than_the_stream(server: RedisServer, bot: Bot) -> None:
    """What was written before the hours asked for is left alone."""
    bot.redis.xadd(f"{BASE}:events.order.MM-001", {"topic": "events.order.MM-001", "payload": b"{}"}, id="1-1")
    bot.fill("T-1", "BUY", "0.5", "60000")
    async with watching(server.port, backfill_hours=1) as exporter:
        await exporter.fills(1)
        assert dict(exporter.state.intake.rejected) == {}


async def test_all_starts_of_a_node_can_be_followed(server: RedisServer) -> None:
    """Where the names of streams have an instance id, a star stands for any, and other traders are left alone."""
    traders = (f"{TRADER}:4d1e07f2", f"{TRADER}:75ff2a8c", "OTHER-001:75ff2a8c")
    for number, trader in enumerate(traders):
        node = Bot(server.port, f"trader-{trader}:stream")
        with node.redis:
            node.define(SPOT)
            node.fill(f"T-{number}", "BUY", "0.5", "60000")
            node.heartbeat()
    async with watching(server.port, instance_id="*") as exporter:
        await exporter.fills(2)
        await exporter.settled()
        assert book(exporter).running.position.quantity == 1


async def test_traders_may_share_streams_without_a_name(server: RedisServer) -> None:
    """Without a trader id the prefix alone is the name."""
    node = Bot(server.port, "shared[1]")
    with node.redis:
        node.define(SPOT)
        node.fill("T-1", "BUY", "0.5", "60000")
    async with watching(server.port, trader_id=None, streams_prefix="shared[1]") as exporter:
        await exporter.fills(1)


async def test_a_strategy_that_begins_later_is_found(server: RedisServer, bot: Bot) -> None:
    """A stream that is made while we watch is read from its beginning."""
    async with watching(server.port) as exporter:
        await exporter.settled()
        bot.fill("T-1", "BUY", "0.5", "60000", strategy="LATE-002")
        await exporter.fills(1)


# Instruments.


async def test_contracts_have_their_size_and_form(server: RedisServer, bot: Bot) -> None:
    """The definition that the node publishes says what a contract is made of."""
    bot.fill("T-1", "SELL", "30", "60000.5", instrument_id=PERPETUAL, commission="3.00 USDT")
    async with watching(server.port) as exporter:
        await exporter.fills(1)
        assert book(exporter, CONTRACT).running.position.quantity == Decimal("-0.30")


async def test_an_unknown_instrument_is_refused_with_what_to_write(
    server: RedisServer, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named once, counted each time, and known after the configuration says what it is."""
    for number in range(3):
        bot.fill(f"T-{number}", "BUY", "2", "60000", instrument_id="XBT.Z24.OTHER")
    async with watching(server.port) as exporter:
        await exporter.eventually(lambda state: state.intake.rejected["instrument"] >= 3)
    text = "unknown instrument 'XBT.Z24.OTHER': nautilus published no definition of it; write its symbol into"
    assert warnings(caplog, text) == 1
    labels: dict[str, Any] = {"symbols": {"XBT.Z24.OTHER": "BTC/USD:BTC"}, "contract_sizes": {"XBT.Z24.OTHER": 10}}
    labels |= {"venues": {"OTHER": "another"}, "accounts": {"BINANCE-main": "hedge"}}
    async with watching(server.port, **labels) as exporter:
        await exporter.fills(3)
        key = BookKey("another", "hedge", "BTC/USD:BTC", "MM-001")
        assert book(exporter, key).running.position.quantity == 60


async def test_a_definition_may_come_after_the_fill(server: RedisServer, bot: Bot) -> None:
    """What cannot be accounted for is refused until it can; a restart brings it in."""
    bot.redis.delete(f"{BASE}:data.instrument.BINANCE.BTCUSDT")
    bot.fill("T-1", "BUY", "2", "60000")
    async with watching(server.port) as exporter:
        await exporter.eventually(lambda state: state.intake.rejected["instrument"] >= 1)
        bot.define(SPOT)
        bot.fill("T-2", "BUY", "1", "60000")
        await exporter.eventually(
            lambda state: state.intake.accepted["fill", "nautilus"] + state.intake.rejected["instrument"] >= 2
        )
    async with watching(server.port) as exporter:
        await exporter.fills(2)


async def test_a_contract_that_settles_in_a_third_currency_is_refused(
    server: RedisServer, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """The books cannot hold it, and the refusal says so."""
    told: dict[str, Any] = {
        "type": "CryptoPerpetual",
        "id": "ETHUSD.BITMEX",
        "base_currency": "ETH",
        "quote_currency": "USD",
    }
    told |= {"settlement_currency": "BTC", "is_inverse": False, "multiplier": "0.000001"}
    bot.say("data.instrument.BITMEX.ETHUSD", told)
    bot.fill("T-1", "BUY", "2", "2500", instrument_id="ETHUSD.BITMEX")
    async with watching(server.port) as exporter:
        await exporter.eventually(lambda state: state.intake.rejected["instrument"] >= 1)
    assert warnings(caplog, "it settles in BTC, neither ETH nor USD") == 1


# Reconciliation.


async def test_fills_of_a_reconciliation_count_but_say_nothing_of_delays(server: RedisServer, bot: Bot) -> None:
    """They are in the books, and not in figures of lag."""
    async with watching(server.port) as exporter:
        await exporter.settled()
        bot.fill("T-1", "BUY", "0.5", "60000", reconciliation=True)
        await exporter.fills(1)
        assert sum(exporter.state.intake.lag["fill"].counts) == 0


@pytest.mark.parametrize(("inferred", "quantity"), [(True, "0.75"), (False, "0.25")])
async def test_a_fill_that_nautilus_makes_up_anew_at_each_start_counts_once_or_not_at_all(
    server: RedisServer, bot: Bot, *, inferred: bool, quantity: str
) -> None:
    """Its random id does not make another fill of it, and it can be left out."""
    at = "1760000000123456789"
    for number in range(3):
        made_up, order_id = (str(UUID(int=number + more, version=4)) for more in (0, 9))
        more = {"reconciliation": True, "ts_event": at, "venue_order_id": order_id}
        bot.fill(made_up, "BUY", "0.50", "60000.0", **more)
    bot.fill("812", "BUY", "0.25", "60000", reconciliation=True)
    async with watching(server.port, inferred_fills=inferred) as exporter:
        await exporter.settled()
        assert book(exporter).running.position.quantity == Decimal(quantity)
        assert dict(exporter.state.intake.rejected) == {}


async def test_a_venue_may_have_ids_that_look_made_up(server: RedisServer, bot: Bot) -> None:
    """A fill that was streamed under such an id is known when a reconciliation brings it again."""
    name = str(UUID(int=77, version=4))
    bot.fill(name, "BUY", "0.5", "60000")
    bot.fill(name, "BUY", "0.5", "60000", reconciliation=True)
    async with watching(server.port) as exporter:
        await exporter.settled()
        assert book(exporter).running.position.quantity == Decimal("0.5")


# Beside fills.


def position(bot: Bot, kind: str, side: str, quantity: str, strategy: str = "MM-001") -> None:
    told = {"type": kind, "instrument_id": PERPETUAL, "position_id": f"{PERPETUAL}-{strategy}", "side": side}
    told |= {
        "strategy_id": strategy,
        "account_id": "BINANCE-main",
        "quantity": quantity,
        "ts_init": "1760000500000000000",
    }
    bot.say(f"events.position.{strategy}", told)


async def test_nautilus_s_own_count_of_a_contract_shows_what_we_missed(server: RedisServer, bot: Bot) -> None:
    """Positions are added up over strategies, and reported when all that traded the contract are among them."""
    for strategy in ("MM-001", "MM-002"):
        bot.fill(f"T-{strategy}", "BUY", "30", "60000", strategy=strategy, instrument_id=PERPETUAL)
    position(bot, "PositionOpened", "LONG", "30", "MM-001")
    async with watching(server.port) as exporter:
        await exporter.settled()
        assert exporter.state.intake.accepted["position", "nautilus"] == 0  # MM-002 is not among them
        position(bot, "PositionChanged", "SHORT", "45", "MM-002")
        await exporter.eventually(lambda state: state.intake.accepted["position", "nautilus"] == 1)
        check = exporter.state.ledger.accounts["binance", "main"].positions["BTC/USDT:USDT"]
        assert check.reported == Decimal("-0.15")
        assert exporter.state.bots["node"].open_trades == 2
        position(bot, "PositionClosed", "FLAT", "0", "MM-002")
        await exporter.eventually(lambda state: state.bots["node"].open_trades == 1)


async def test_balances_are_taken_where_the_venue_said_them(server: RedisServer, bot: Bot) -> None:
    """What nautilus only worked out is left alone, and of a history only the newest is told."""
    for total, reported in (("900.0", True), ("1000.5", True), ("7", False)):
        told: dict[str, Any] = {"type": "AccountState", "account_id": "BINANCE-main", "reported": reported}
        told |= {"balances": [{"currency": "USDT", "total": total}], "ts_event": "2026-03-24T13:16:30.528999999Z"}
        bot.say("events.account.BINANCE-main", told)
    async with watching(server.port) as exporter:
        await exporter.settled()
        check = exporter.state.ledger.accounts["binance", "main"].balances["USDT"]
        assert (check.reported, check.at) == (Decimal("1000.5"), 1774358190.528999)
        assert exporter.state.intake.accepted["balance", "nautilus"] == 1


async def test_funding_that_adjusts_a_position_is_a_payment(server: RedisServer, bot: Bot) -> None:
    """A commission that does so is none, since its fill tells it."""
    told = {
        "type": "PositionAdjusted",
        "instrument_id": PERPETUAL,
        "strategy_id": "MM-001",
        "account_id": "BINANCE-main",
    }
    told |= {"ts_event": "1760000000000000000"}
    for number, (kind, change) in enumerate((("FUNDING", "-1.25 USDT"), ("COMMISSION", "-1.00 USDT"))):
        bot.say(
            "events.position.MM-001", told | {"event_id": f"e{number}", "adjustment_type": kind, "pnl_change": change}
        )
    async with watching(server.port) as exporter:
        await exporter.eventually(lambda state: state.intake.accepted["funding", "nautilus"] == 1)
        assert book(exporter, CONTRACT).sums.funding_amounts == {"USDT": Decimal("-1.25")}


# The node itself.


async def test_a_node_is_up_while_its_heart_beats(
    server: RedisServer, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """Silence is said once, and so is that it ended; the node's own word tells whether it trades."""
    async with watching(server.port, heartbeat_timeout=0.6) as exporter:
        bot.heartbeat()
        await exporter.until("bot_up", 1, bot="node")
        for name, kind, state in ((TRADER, "Trader", "RUNNING"), ("MM", "Maker", "STOPPED")):
            told = {"type": "ComponentStateChanged", "component_type": kind, "state": state}
            bot.say(f"events.system.{name}", told)
        await exporter.until("bot_running", 1, bot="node")
        await exporter.until("bot_up", 0, bot="node")
        health = await exporter.health()
        assert health["services"]["bot/node"]["detail"] == "no heartbeat for more than 0.6 s"
        bot.heartbeat()
        await exporter.until("bot_up", 1, bot="node")
    assert warnings(caplog, "no heartbeat") >= 1


async def test_without_heartbeats_nobody_knows_whether_a_node_runs(server: RedisServer) -> None:
    """The component says how to change that, and is not counted as failed."""
    node = Bot(server.port)
    with node.redis:
        node.define(SPOT)
        node.fill("T-1", "BUY", "0.5", "60000")
    async with watching(server.port) as exporter:
        await exporter.settled()
        assert "set heartbeat_interval_secs" in exporter.state.components["bot/node"].detail
        assert await exporter.value("bot_up", bot="node") is None


# Failures.


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00\xff garbage",
        b'{"type": "OrderFilled"',
        b"[1, 2]",
        b'{"type": "OrderFilled", "trade_id": 7}',
        b'{"type": "OrderFilled", "last_qty": "NaN"}',
        b"{" * 100_000,
        b"x" * 1_500_000,
        msgspec.msgpack.encode({"type": "OrderFilled", "instrument_id": SPOT}),
    ],
    ids=["empty", "garbage", "cut", "list", "number", "nan", "deep", "huge", "half"],
)
async def test_a_message_that_cannot_be_read_is_counted_and_the_next_one_taken(
    server: RedisServer, bot: Bot, payload: bytes
) -> None:
    """Following goes on behind it."""
    bot.say("events.order.MM-001", payload)
    bot.fill("T-1", "BUY", "0.5", "60000")
    async with watching(server.port) as exporter:
        await exporter.fills(1)
        assert dict(exporter.state.intake.rejected) == {"payload": 1}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("last_qty", "NaN", "quantity"),
        ("last_px", "0.0", "price"),
        ("last_px", "-1", "price"),
        ("order_side", "NO_ORDER_SIDE", "side"),
        ("ts_event", "1760000000000000", "ts_event"),
        ("ts_event", "yesterday", "ts_event"),
        ("commission", "free", "money"),
        ("last_qty", "many", "payload"),
    ],
)
async def test_a_fill_that_makes_no_sense_is_refused(
    server: RedisServer, bot: Bot, field: str, value: str, reason: str
) -> None:
    """The refusal is counted under what is wrong with it; the next fill is taken."""
    bot.fill("T-1", "BUY", "0.5", "60000", **{field: value})
    bot.fill("T-2", "BUY", "0.5", "60000")
    async with watching(server.port) as exporter:
        await exporter.fills(1)
        assert dict(exporter.state.intake.rejected) == {reason: 1}


async def test_a_journal_that_is_behind_is_waited_for(server: RedisServer, bot: Bot, tmp_path: Path) -> None:
    """More than it takes at once comes in all the same, and nothing twice."""
    for number in range(60):
        bot.fill(f"T-{number}", "BUY", "0.5", "60000")
    async with watching(server.port, journal=tmp_path / "journal", max_pending=7) as exporter:
        await exporter.fills(60)
        await exporter.settled()
        assert book(exporter).account.duplicates == 0
        assert book(exporter).running.position.quantity == 30


async def test_redis_may_go_away_and_come_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """That is said once, and how the node is nobody knows; what was written in between is caught up with."""
    with redis_server(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        bot = Bot(server.port)
        bot.define()
        bot.heartbeat()
        bot.fill("T-1", "BUY", "0.5", "60000")
        async with watching(server.port) as exporter:
            await exporter.fills(1)
            await exporter.until("bot_up", 1, bot="node")
            server.stop()
            await exporter.until("component_up", 0, component="bot/node/redis")
            assert await exporter.value("bot_up", bot="node") is None
            health = await exporter.health()
            assert health["overall_status"] == "degraded"
            node = health["services"]["bot/node"]
            assert (node["state"], node["detail"]) == ("up", "unknown: its Redis does not tell")
            server.start()
            bot.fill("T-2", "BUY", "0.5", "60000")
            await exporter.fills(2)
            await exporter.settled()
            assert book(exporter).account.duplicates == 0
        bot.redis.close()
    assert warnings(caplog, "bot/node/redis failed") == 1
    assert warnings(caplog, "bot/node failed") == 0


async def test_a_silence_counts_from_when_redis_was_back(tmp_path: Path) -> None:
    """What nautilus could not write says nothing of the node, until it is silent for as long again."""
    with redis_server(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        bot = Bot(server.port)
        bot.heartbeat()
        async with watching(server.port, heartbeat_timeout=2) as exporter:
            node, redis = (exporter.state.components[part] for part in ("bot/node", "bot/node/redis"))
            await exporter.until("bot_up", 1, bot="node")
            server.stop()
            await exporter.eventually(lambda _: not redis.up)
            await exporter.eventually(lambda state: state.clock() - (state.bots["node"].last_seen or 0.0) > 2)
            server.start()
            await exporter.eventually(lambda _: redis.up)
            assert node.detail == "unknown: no heartbeat yet since Redis is back"
            await exporter.until("bot_up", 0, bot="node")
            bot.heartbeat()
            await exporter.until("bot_up", 1, bot="node")
        bot.redis.close()


async def test_a_wrong_password_is_said_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither it nor the right one is in the log or on a page; the right one is enough to go on."""
    monkeypatch.setenv("REDIS_SECRET", "tell-nobody-this")
    with redis_server(tmp_path, "--requirepass", "the right one") as server:
        password: dict[str, Any] = {"password": {"env": "REDIS_SECRET"}}
        async with watching(server.port, **password) as exporter:
            await exporter.eventually(lambda state: "password" in state.components["bot/node/redis"].detail.lower())
            page = json.dumps(await exporter.health())
        assert "tell-nobody" not in page + caplog.text
        assert "bot/node/redis" in page
        monkeypatch.setenv("REDIS_SECRET", "the right one")
        with Redis(port=server.port, password="the right one") as client:
            client.xadd(f"{BASE}:health:heartbeat", {"topic": "health:heartbeat", "payload": "now"})
        async with watching(server.port, **password) as exporter:
            await exporter.settled()


async def test_a_key_that_is_no_stream_is_named(server: RedisServer) -> None:
    """The failure says what the key is, and ends when it is gone."""
    with Redis(port=server.port) as client:
        client.set(BASE, "something else")
        async with watching(server.port) as exporter:
            await exporter.eventually(
                lambda state: f"the key {BASE} is a string, not a stream" in state.components["bot/node/redis"].detail
            )
            client.delete(BASE)
            await exporter.eventually(lambda state: "there is no stream" in state.components["bot/node"].detail)


async def test_a_stream_that_becomes_something_else_keeps_no_other_waiting(server: RedisServer, bot: Bot) -> None:
    """Of the streams that are left each is followed."""
    bot.fill("T-1", "BUY", "0.5", "60000", strategy="MM-002")
    async with watching(server.port) as exporter:
        await exporter.fills(1)
        bot.redis.delete(f"{BASE}:events.order.MM-002")
        bot.redis.lpush(f"{BASE}:events.order.MM-002", "no stream")
        bot.fill("T-2", "BUY", "0.5", "60000")
        await exporter.fills(2)


async def test_messages_that_are_removed_unread_are_counted(
    server: RedisServer, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """What a stream lost before we could read it is a metric and a warning; what we had read is none."""
    stream = f"{BASE}:events.order.MM-001"
    for number in range(5):
        bot.fill(f"T-{number}", "BUY", "0.5", "60000")
    async with watching(server.port) as exporter:
        await exporter.fills(5)
        bot.redis.xtrim(stream, maxlen=1, approximate=False)
        await exporter.until("bot_missed_messages_total", 0, bot="node")
        with bot.redis.pipeline(transaction=True) as pipe:
            for number in range(3):
                pipe.xadd(stream, {"topic": "events.order.MM-001", "payload": f"{number}"})
            pipe.xtrim(stream, maxlen=1, approximate=False)
            pipe.execute()
        await exporter.until("bot_missed_messages_total", 2, bot="node")
        bot.fill("T-9", "BUY", "0.5", "60000")
        await exporter.fills(6)
    assert warnings(caplog, "2 messages left Redis before they were read") == 1


async def test_a_stream_may_be_deleted_and_begin_anew(server: RedisServer, bot: Bot) -> None:
    """It is read from its new beginning, even where its ids are lower than before."""
    stream = f"{BASE}:events.order.MM-001"
    bot.fill("T-1", "BUY", "0.5", "60000")
    async with watching(server.port) as exporter:
        await exporter.fills(1)
        bot.redis.delete(stream)
        bot.redis.xadd(stream, {"topic": "events.order.MM-001", "payload": "[]"}, id="5-1")
        await exporter.eventually(lambda state: state.intake.rejected["payload"] == 1)
        bot.fill("T-2", "BUY", "0.5", "60000")
        await exporter.fills(2)
