"""What real nodes wrote to Redis, in both encodings and both layouts, beside their own account of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.servers import RedisServer
from tests.sources.nautilus.account import FUNDS, check, commissions
from tests.sources.nautilus.conftest import replay, watching

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.ndjson"))


def test_both_encodings_and_both_layouts_were_recorded() -> None:
    """There are entries with two fields and with four, of JSON and of msgpack, and with times of both kinds."""
    texts = {path.stem: path.read_text().splitlines()[1] for path in RECORDED}
    assert {name: '"encoding"' in text for name, text in texts.items()} == {
        "1.221.0-json": False,
        "1.221.0-msgpack": False,
        "1.231.0-json-iso8601-one-stream": True,
        "1.231.0-msgpack": True,
    }


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_the_books_equal_what_nautilus_itself_reports(server: RedisServer, path: Path) -> None:
    """Fills, commissions in three currencies, positions and realised PnL are nautilus's own; nothing is refused."""
    report = replay(path, server.port)
    async with watching(server.port, heartbeat_timeout=86_400) as exporter:
        await exporter.fills(len(report["fills"]))
        await exporter.eventually(lambda state: state.intake.accepted["position", "nautilus"] == 2)
        check(exporter.state, report)
        assert {currency for _, currency in commissions(report)} == {"USDT", "BTC", "BNB"}
        assert dict(exporter.state.intake.rejected) == {}
        accounts = exporter.state.ledger.accounts.values()
        assert [(account.duplicates, account.conflicts) for account in accounts] == [(0, 0)] * 3
        assert exporter.state.bots["node"].running is False  # it was stopped in the end


async def test_positions_and_balances_are_compared_with_the_books(server: RedisServer) -> None:
    """The contracts' positions come as reports, and the balances that the venue reported, not those worked out."""
    report = replay(RECORDED[0], server.port)
    async with watching(server.port, heartbeat_timeout=86_400) as exporter:
        await exporter.eventually(lambda state: state.intake.accepted["position", "nautilus"] == 2)
        found = {
            (exchange, symbol): check.reported
            for (exchange, _), account in exporter.state.ledger.accounts.items()
            for symbol, check in account.positions.items()
        }
        books = exporter.state.ledger.books.items()
        assert found == {k[::2][:2]: book.running.position.quantity for k, book in books if ":" in k.symbol}
        balances = exporter.state.ledger.accounts["binance", "001"].balances
        assert {name: check.reported for name, check in balances.items()} == FUNDS
        assert report["balances"]["BINANCE-001"]["USDT"] != "1000000.00000000 USDT"


async def test_what_happened_before_we_came_says_nothing_of_orders_and_delays(server: RedisServer) -> None:
    """Of old orders only those that still rest are told, and old fills are in no figure of lag."""
    report = replay(RECORDED[0], server.port)
    resting = Counter(order["status"] in ("ACCEPTED", "PARTIALLY_FILLED") for order in report["orders"])[True]
    async with watching(server.port, heartbeat_timeout=86_400) as exporter:
        await exporter.fills(len(report["fills"]))
        await exporter.settled()
        assert sum(len(counts.open) for counts in exporter.state.orders.books.values()) == resting
        assert exporter.state.intake.accepted["order", "nautilus"] == resting
        assert sum(exporter.state.intake.lag["fill"].counts) == 0


async def test_a_single_stream_and_one_for_each_topic_say_the_same(server: RedisServer, tmp_path: Path) -> None:
    """The same run read twice, from either layout, is known the second time."""
    one, apart = (
        next(path for path in RECORDED if path.stem == f"1.231.0-{name}")
        for name in ("json-iso8601-one-stream", "msgpack")
    )
    journal = tmp_path / "journal"
    report = replay(one, server.port)
    async with watching(server.port, journal=journal, heartbeat_timeout=86_400) as exporter:
        await exporter.fills(len(report["fills"]))
    replay(apart, server.port)
    async with watching(server.port, journal=journal, heartbeat_timeout=86_400) as exporter:
        await exporter.settled()
        await exporter.eventually(lambda state: state.intake.accepted["position", "nautilus"] >= 2)
        assert exporter.state.intake.accepted["fill", "nautilus"] == 0
        check(exporter.state, report)
