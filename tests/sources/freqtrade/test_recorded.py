"""What the exporter makes of real runs of freqtrade, page by page as they changed."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sources.conftest import Watched
from tests.sources.freqtrade.conftest import watching
from tests.sources.freqtrade.standin import RUNS, Standin, Trade, recorded, serving

ALL = pytest.mark.parametrize("run", RUNS)


def orders(trades: list[Trade]) -> list[tuple[str, dict[str, Any]]]:
    """The filled orders of some trades, each with its trade's pair."""
    return [(trade["pair"], order) for trade in trades for order in trade["orders"] if order["filled"]]


def position(trades: list[Trade], pair: str) -> Decimal:
    """What the orders of a pair left, fees in coins taken off."""
    total = Decimal(0)
    for found, order in orders(trades):
        if found == pair:
            filled, fee = Decimal(str(order["filled"])), Decimal(str(order["ft_fee_base"] or 0))
            total += (filled if order["ft_order_side"] == "buy" else -filled) - fee
    return total


async def counted_once(watched: Watched, trades: list[Trade]) -> float:
    """The exporter has the bot's fills and positions; its result after fees."""
    await watched.until("fills_total", len(orders(trades)), account="main")
    for pair in {trade["pair"] for trade in trades}:
        held = await watched.value("position_base", symbol=pair)
        assert held == pytest.approx(float(position(trades, pair)), abs=1e-12)
    for family in ("conflicting_fills_total", "duplicate_fills_total", "events_rejected_total"):
        assert not await watched.value(family)
    return (await watched.value("pnl_realized_usd") or 0.0) - (await watched.value("fees_usd_total") or 0.0)


def result(moments: list[dict[str, Any]]) -> float:
    """What the orders of a run brought, each with the rate that the bot had for its side when it was first seen."""
    brought: dict[str, float] = {}
    for moment in moments:
        for trade in (*moment["status"], *moment["trades"]["trades"]):
            for order in trade["orders"]:
                is_buy, worth = order["ft_order_side"] == "buy", order["safe_price"] * (order["filled"] or 0)
                side = "open" if is_buy else "close"
                is_known = trade[f"fee_{side}_currency"] or order["order_id"].startswith("dry_run")
                if not order["is_open"] and is_known and order["order_id"] not in brought:
                    fee = worth * trade[f"fee_{side}"]
                    brought[order["order_id"]] = (-worth if is_buy else worth) - fee
    return sum(brought.values())


@pytest.mark.parametrize("run", ["dry-run", "live-fees-in-bnb"])
async def test_a_run_that_is_watched(run: str) -> None:
    """Seen as it happens, each order is counted once, with the fee rate that the bot found for it."""
    async with serving(Standin.of(run)) as standin, watching(standin) as watched:
        await standin.subscribed.wait()
        moments = recorded(run)["moments"]
        for moment in moments:
            standin.move_to(moment)
            for message in moment["messages"]:
                await standin.send(message)
            await standin.is_asked("trades", 2)
        assert await counted_once(watched, standin.closed) == pytest.approx(result(moments), abs=1e-9)
        assert await watched.value("orders_open") == 0


@pytest.mark.parametrize("run", ["dry-run", "live-fees-in-bnb"])
async def test_a_run_that_is_read_afterwards(run: str) -> None:
    """Whoever comes late finds the same fills, and the result that freqtrade itself reckons, with its last rates."""
    async with serving(Standin.of(run, at=-1)) as standin, watching(standin) as watched:
        own = sum(trade["profit_abs"] for trade in standin.closed)
        assert await counted_once(watched, standin.closed) == pytest.approx(own, abs=1e-7)  # it rounds to 8 digits


async def test_fees_taken_out_of_the_coins() -> None:
    """They leave the position, and are worth what freqtrade's rate says."""
    async with serving(Standin.of("live-fees-in-coins", at=-1)) as standin, watching(standin) as watched:
        await watched.until("fills_total", len(orders(standin.closed)))
        for pair in ("BTC/USDT", "ETH/USDT"):
            left = position(standin.closed, pair)
            assert await watched.value("position_base", symbol=pair) == pytest.approx(float(left), abs=1e-12)


@ALL
async def test_a_restart_at_every_moment_counts_nothing_twice(run: str, tmp_path: Path) -> None:
    """The journal remembers what was told, though freqtrade has reckoned fees anew since."""
    journal = str(tmp_path / "journal.db")
    async with serving(Standin.of(run)) as standin:
        for moment in recorded(run)["moments"][::3]:
            standin.move_to(moment)
            async with watching(standin, journal) as watched:
                await standin.is_asked("trades", 2)
        standin.move_to(recorded(run)["moments"][-1])
        async with watching(standin, journal) as watched:
            await watched.until("fills_total", len(orders(standin.closed)))
            assert not await watched.value("conflicting_fills_total")
            assert not await watched.value("events_rejected_total")


async def test_a_fill_waits_for_its_fee() -> None:
    """freqtrade shows an order as closed before it has asked the exchange what it cost."""
    run = "live-fees-in-bnb"
    moments = recorded(run)["moments"]
    unknown = next(m for m in moments if m["status"] and m["status"][0]["fee_open_currency"] is None)
    assert unknown["status"][0]["orders"][0]["status"] == "closed"
    (after,) = [m for m in moments if moments.index(m) == moments.index(unknown) + 1]
    (trade,) = (trade for trade in after["status"] if trade["trade_id"] == unknown["status"][0]["trade_id"])
    standin = Standin.of(run)
    standin.move_to(unknown)
    async with serving(standin), watching(standin) as watched:
        await standin.is_asked("trades", 2)
        assert await watched.value("fills_total", symbol=trade["pair"]) is None
        standin.move_to(after)
        await watched.until("fills_total", 1, symbol=trade["pair"])
        worth = trade["orders"][0]["safe_price"] * trade["orders"][0]["filled"]
        fees = await watched.value("fees_usd_total", symbol=trade["pair"])
        assert fees == pytest.approx(trade["fee_open"] * worth, rel=1e-12)


async def test_a_further_entry_waits_until_its_own_fee_is_found() -> None:
    """freqtrade still has the rate of the entry before, forgets it, and asks anew."""
    standin = Standin.of("live-fees-in-bnb")
    moments = recorded("live-fees-in-bnb")["moments"]
    standin.move_to(next(m for m in moments if any(len(trade["orders"]) == 2 for trade in m["status"])))
    standin.open = [trade for trade in standin.open if len(trade["orders"]) == 2]
    (trade,) = standin.open
    entry = trade["orders"][1]
    entry["order_filled_timestamp"] = time.time() * 1000
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", 1)
        await standin.is_asked("trades", 2)
        assert await watched.value("fills_total") == 1
        rate, trade["fee_open"], trade["fee_open_currency"] = trade["fee_open"], 0.0002, "BNB"
        entry["order_filled_timestamp"] -= 20_000
        await watched.until("fills_total", 2)
        first, second = (order["safe_price"] * order["filled"] for order in trade["orders"])
        assert await watched.value("fees_usd_total") == pytest.approx(first * rate + second * 0.0002, rel=1e-12)


async def test_a_fee_in_coins_is_waited_for() -> None:
    """It is noted after its currency, and changes the position."""
    standin = Standin.of("live-fees-in-coins", at=-1)
    standin.closed = standin.closed[:1]
    (trade,) = standin.closed
    entry = trade["orders"][0]
    fee, entry["ft_fee_base"] = entry["ft_fee_base"], None
    entry["order_filled_timestamp"] = time.time() * 1000
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", len(trade["orders"]) - 1)
        entry["ft_fee_base"] = fee
        await watched.until("fills_total", len(trade["orders"]))
        held = await watched.value("position_base", symbol=trade["pair"])
        assert held == pytest.approx(float(position(standin.closed, trade["pair"])), abs=1e-12)
