"""Paging through an exchange's record of fills, at whichever end of the time its pages begin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base.errors import AuthenticationError, BadRequest

from exporter.config import Exchange
from exporter.intake import Intake
from exporter.sources.ccxt.history import Fills
from exporter.sources.ccxt.link import Link
from exporter.state.state import State
from tests.builders import T0, config

PAGE = 50
Read = Callable[..., Awaitable[State]]
Page = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def trade(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "symbol": "BTC/USDT",
        "timestamp": int(T0 * 1000) + number * 1000,
        "side": "buy" if number % 2 else "sell",
        "price": "100.5",
        "amount": "0.01",
        "fee": {"currency": "USDT", "cost": "0.001"},
        "info": {},
    }


class Record:
    """An exchange's record with pages of 50 trades, cut by ``page`` from those that lie in the time asked for."""

    def __init__(self, trades: list[dict[str, Any]], page: Page, *, knows_until: bool = True) -> None:
        self.trades = trades
        self.has = {"fetchMyTrades": True}
        self.markets: dict[str, Any] = {}
        self._page = page
        self._knows_until = knows_until

    async def fetch_my_trades(self, _: str, since: int, limit: None, params: dict[str, int]) -> list[dict[str, Any]]:
        assert limit is None
        if params and not self._knows_until:
            raise BadRequest("until is not a parameter")
        until = params.get("until", 1e15)
        return self._page([t for t in self.trades if since <= (t["timestamp"] or since) <= until])


def oldest(trades: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return trades[:PAGE]


def newest(trades: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return trades[-PAGE:]


@pytest.fixture
def read() -> Read:
    """Read a record once, as at the start; gives the state."""

    async def read_once(record: Record, hours: float = 24.0) -> State:
        state = State(config(), clock=lambda: T0 + 3600)
        exchange = Exchange(
            name="alpha", id="binance", account="main", strategy="maker", symbols=["BTC/USDT"], backfill_hours=hours
        )
        link = Link(exchange, state, Intake(state))
        await link.client.close()
        link.client = record
        await Fills(link, "BTC/USDT", streamed=True)._read(after_gap=False)
        return state

    return read_once


def accounted(state: State) -> int:
    return sum(split.count for book in state.ledger.books.values() for split in book.sums.splits.values())


@pytest.mark.parametrize("page", [oldest, newest])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 500])
async def test_every_fill_is_found(read: Read, page: Page, count: int) -> None:
    """Whether pages begin with the oldest or with the newest trade, none is left out."""
    assert accounted(await read(Record([trade(n) for n in range(count)], page))) == count


async def test_an_exchange_that_answers_for_a_few_days_only_is_asked_for_each(read: Read) -> None:
    """An empty answer for the first days does not end the search."""

    def first_days(trades: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return trades

    class Windowed(Record):
        async def fetch_my_trades(self, symbol: str, since: int, limit: None, params: dict[str, int]) -> Any:
            end = since + 2 * 86_400_000
            return [t for t in await super().fetch_my_trades(symbol, since, limit, params) if t["timestamp"] < end]

    assert accounted(await read(Windowed([trade(n) for n in range(10)], first_days), hours=30 * 24)) == 10


async def test_an_exchange_whose_answers_are_whole_is_asked_once(read: Read) -> None:
    """Where ccxt's answer is known to have every trade of the time asked for, no page is looked for beyond it."""
    asked = []

    class Whole(Record):
        whole_history = True

        async def fetch_my_trades(self, symbol: str, since: int, limit: None, params: dict[str, int]) -> Any:
            asked.append((since, params))
            return await super().fetch_my_trades(symbol, since, limit, params)

    assert accounted(await read(Whole([trade(n) for n in range(230)], lambda trades: trades))) == 230
    assert asked == [(int((T0 + 3600 - 24 * 3600) * 1000), {})]


async def test_history_that_cannot_be_read_whole_is_told(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    """Newest trades first and no way to ask for older ones: the log says from when fills may be missing."""
    assert accounted(await read(Record([trade(n) for n in range(230)], newest, knows_until=False))) == PAGE
    assert "may be missing" in caplog.text


async def test_a_refused_key_is_no_end_of_the_history(read: Read) -> None:
    """A failure on the way is a failure of the reading, not an answer."""

    class Refusing(Record):
        async def fetch_my_trades(self, symbol: str, since: int, limit: None, params: dict[str, int]) -> Any:
            if params:
                raise AuthenticationError("-2015")
            return await super().fetch_my_trades(symbol, since, limit, params)

    with pytest.raises(AuthenticationError):
        await read(Refusing([trade(n) for n in range(230)], newest))


async def test_an_exchange_that_cannot_be_asked_backward_is_read_forward(read: Read) -> None:
    """Pages that begin with the oldest need no end of time to ask for, so that its refusal is no failure."""
    assert accounted(await read(Record([trade(n) for n in range(230)], oldest, knows_until=False))) == 230


async def test_a_trade_without_a_time_is_refused_and_the_others_are_taken(read: Read) -> None:
    """One broken entry does not keep the rest of the record out."""
    trades = [trade(n) for n in range(10)]
    trades[4]["timestamp"] = None
    state = await read(Record(trades, oldest))
    assert accounted(state) == 9
    assert state.intake.rejected == {"timestamp": 1}


async def test_a_fill_streamed_without_its_fee_is_taken_from_the_record_and_no_longer_awaited() -> None:
    """It counts once, with its fee and as no recovery, however often the stream repeats it, and asking ends."""
    state = State(config(), clock=lambda: T0 + 3600)
    link = Link(Exchange(name="alpha", id="binance", account="main", symbols=["BTC/USDT"]), state, Intake(state))
    await link.client.close()
    record = Record([], oldest)
    link.client = record
    fills = Fills(link, "BTC/USDT", streamed=True)
    await fills._read(after_gap=False)
    record.trades.append(trade(3400))
    fills.accept_streamed([trade(3400) | {"fee": None}, trade(3401) | {"fee": None}])
    for _ in range(10):
        assert fills._awaited
        await fills._read(after_gap=True)
        fills.accept_streamed([trade(3400) | {"fee": None}])
    await fills._read(after_gap=True)
    assert accounted(state) == 1
    assert state.exchanges["alpha"].backfilled["main"] == 0
    assert fills._awaited == {}


@pytest.mark.parametrize(
    ("newest", "begins"),
    [
        (T0 + 1800, T0 + 3600 - 24 * 3600),  # the stream may have told that one before anything else was read
        (T0 - 5 * 86_400, T0 - 5 * 86_400 - 600),  # farther back than configured, when that long nothing is known
        (T0 + 9_000, T0 + 3600 - 24 * 3600),  # a time that has not come yet is no beginning
        (None, T0 + 3600 - 24 * 3600),
    ],
)
async def test_the_first_reading_leaves_no_gap(newest: float | None, begins: float) -> None:
    """After a restart the time configured is read again, and a longer absence is not left out."""
    asked: list[int] = []

    class Asked(Record):
        async def fetch_my_trades(self, symbol: str, since: int, limit: None, params: dict[str, int]) -> Any:
            asked.append(since)
            return await super().fetch_my_trades(symbol, since, limit, params)

    state = State(config(), clock=lambda: T0 + 3600)
    exchange = Exchange(name="alpha", id="binance", account="main", symbols=["BTC/USDT"])
    link = Link(exchange, state, Intake(state))
    await link.client.close()
    link.client = Asked([], oldest)
    await Fills(link, "BTC/USDT", streamed=True, newest=newest)._read(after_gap=False)
    assert min(asked) == begins * 1000


async def test_fills_of_a_contract_have_its_size() -> None:
    """The market's size of a contract goes with each fill, as its decimal digits."""
    symbol = "BTC/USDT:USDT"
    state = State(config(), clock=lambda: T0 + 3600)
    link = Link(Exchange(name="alpha", id="okx", account="main", symbols=[symbol]), state, Intake(state))
    await link.client.close()
    link.client = Record([trade(1) | {"symbol": symbol, "amount": "7"}], oldest)
    link.client.markets = {symbol: {"contract": True, "contractSize": 0.01}}
    await Fills(link, symbol, streamed=True)._read(after_gap=False)
    (book,) = state.ledger.books.values()
    assert book.running.position.quantity == Decimal("0.07")
