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

PAGE, DAY = 50, 86_400_000
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

    class FirstDays(Record):
        async def fetch_my_trades(self, symbol: str, since: int, limit: None, params: dict[str, int]) -> Any:
            end = since + 2 * DAY
            return [t for t in await super().fetch_my_trades(symbol, since, limit, params) if t["timestamp"] < end]

    assert accounted(await read(FirstDays([trade(n) for n in range(10)], first_days), hours=30 * 24)) == 10


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


class Windowed(Record):
    """An exchange that answers for some days after the time asked for, with the newest or the oldest of them first."""

    def __init__(self, trades: list[dict[str, Any]], days: int, size: int, *, newest_first: bool, **more: Any) -> None:
        super().__init__(trades, lambda found: found, **more)
        self.asked: list[tuple[int, int | None]] = []
        self._days = days
        self._cut = slice(-size, None) if newest_first else slice(size)

    async def fetch_my_trades(self, symbol: str, since: int, limit: None, params: dict[str, int]) -> Any:
        self.asked.append((since, params.get("until")))
        assert params.get("until", since) - since <= DAY, "no exchange has to answer for more than a day at once"
        found = await super().fetch_my_trades(symbol, since, limit, params)
        return [t for t in found if t["timestamp"] <= since + self._days * DAY][self._cut]


def spread(days: int, a_day: int) -> list[dict[str, Any]]:
    """Trades over so many days until now."""
    count = days * a_day
    now = int(T0 * 1000) + 3_600_000 - 60_000
    return [trade(n) | {"timestamp": now - (count - n) * DAY // a_day} for n in range(1, count)]


@pytest.mark.parametrize(
    "rule",
    [(7, 50, 30, 20), (7, 50, 30, 100), (90, 100, 180, 20), (30, 100, 90, 20), (2, 500, 10, 900), (1, 20, 10, 45)],
)
@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_page_that_is_cut_within_the_days_it_is_of_loses_nothing(
    read: Read, caplog: pytest.LogCaptureFixture, rule: tuple[int, int, int, int], newest_first: bool
) -> None:
    """As KuCoin, Bybit, Bitget, Gate and HTX cut them, and others: of each days' trades, all are found."""
    days, size, back, a_day = rule
    trades = spread(back, a_day)
    record = Windowed(trades, days, size, newest_first=newest_first)
    assert accounted(await read(record, hours=back * 24)) == len(trades)
    assert "missing" not in caplog.text
    assert len(record.asked) <= 3 * len(trades) / size + 2 * back + 10


async def test_an_exchange_whose_pages_begin_with_the_oldest_is_asked_for_each_page_once(read: Read) -> None:
    """That nothing was cut off the first one is asked once; the others begin with what is known."""
    record = Windowed([trade(n) for n in range(2000)], 365, 500, newest_first=False)
    assert accounted(await read(record)) == 2000
    assert len(record.asked) <= 2000 / 499 + 3


async def test_what_cannot_be_asked_for_is_told_though_later_pages_bring_more(
    read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    """Newest first within a week, and no end of time to ask for: that pages go on does not mean that none was cut."""
    await read(Windowed(spread(30, 20), 7, 50, newest_first=True, knows_until=False), hours=30 * 24)
    assert "may be missing" in caplog.text


async def test_an_end_in_whole_seconds_is_an_end(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    """As Kraken's, whose answers then have some of what happened later in that second."""

    class Coarse(Record):
        async def fetch_my_trades(self, symbol: str, since: int, limit: None, params: dict[str, int]) -> Any:
            coarse = {name: until // 1000 * 1000 + 1000 for name, until in params.items()}
            return await super().fetch_my_trades(symbol, since // 1000 * 1000, limit, coarse)

    trades = [trade(n) | {"timestamp": int(T0 * 1000) + n * 70} for n in range(1000)]
    assert accounted(await read(Coarse(trades, newest))) == 1000
    assert "missing" not in caplog.text


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_moment_with_more_trades_than_a_page_costs_those_alone(
    caplog: pytest.LogCaptureFixture, newest_first: bool
) -> None:
    """What the exchange does not tell of one millisecond is said once; all before and after it is found."""
    at = int(T0 * 1000) + 1_800_000
    trades = [trade(n) for n in range(1700)]
    trades += [trade(10_000 + n) | {"timestamp": at} for n in range(60)]
    trades += [trade(n) for n in range(1900, 2500)]
    record = Windowed(trades, 7, 50, newest_first=newest_first)
    state = State(config(), clock=lambda: T0 + 3600)
    link = Link(Exchange(name="alpha", id="bybit", symbols=["BTC/USDT"]), state, Intake(state))
    await link.client.close()
    link.client = record
    fills = Fills(link, "BTC/USDT", streamed=True)
    for _ in range(2):
        fills._read_to = None  # from the beginning
        await fills._read(after_gap=False)
    assert accounted(state) == len(trades) - 10
    assert caplog.text.count("more happened at that moment") == 1


async def test_both_sides_of_a_trade_between_own_orders_are_taken(read: Read) -> None:
    """The exchange has one id for both: the position is what it was, and nothing is refused."""
    sides = [trade(7) | {"id": "7", "order": "1", "side": "buy"}, trade(7) | {"id": "7", "order": "2", "side": "sell"}]
    for rows in (sides, sides[::-1]):
        state = await read(Record(rows, oldest))
        (book,) = state.ledger.books.values()
        assert accounted(state) == 2
        assert book.running.position.quantity == 0
        assert state.intake.rejected == {}


async def test_a_streamed_side_is_the_one_on_record() -> None:
    """Whichever side the stream told first, the record then has nothing new."""
    sides = [trade(7) | {"id": "7", "order": "1", "side": "buy"}, trade(7) | {"id": "7", "order": "2", "side": "sell"}]
    for streamed in (sides, sides[::-1]):
        state = State(config(), clock=lambda: T0 + 3600)
        link = Link(Exchange(name="alpha", id="binance", symbols=["BTC/USDT"]), state, Intake(state))
        await link.client.close()
        link.client = Record(sides, oldest)
        Fills(link, "BTC/USDT", streamed=True).accept_streamed(streamed)
        await Fills(link, "BTC/USDT", streamed=True)._read(after_gap=False)
        assert accounted(state) == 2
        assert state.intake.rejected == {}
        assert sum(account.conflicts for account in state.ledger.accounts.values()) == 0


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
