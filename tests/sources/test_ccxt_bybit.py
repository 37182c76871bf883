"""Bybit through real ccxt: what it is asked, and what is made of answers by its documented rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from exporter.sources.ccxt.bybit import Bybit
from tests.sources.venue import DAY, HOUR, NOW, Query, Venue, Watcher, market, watching

SPOT, LINEAR, OTHER, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USD:BTC"
IDS = {SPOT: "BTCUSDT", LINEAR: "BTCUSDT", OTHER: "ETHUSDT", INVERSE: "BTCUSD", "BTC/USDC:USDC": "BTCPERP"}
URLS = dict.fromkeys(("public", "private"), "{}")

Row = dict[str, Any]


@dataclass
class BybitVenue(Venue):
    """Bybit's rules: newest first, so many on a page, a week of executions and a day of the ledger from a time on."""

    executions: list[Row] = field(default_factory=list)
    resting: list[Row] = field(default_factory=list)
    ended: list[Row] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def answer(self, path: str, query: Query) -> Any:
        """The exchange's answer, and its error for what it does not allow."""
        name = path.removeprefix("/v5/")
        if name in self.refused:
            return {
                "retCode": 10005,
                "retMsg": "Permission denied, please check your API key permissions.",
                "result": {},
            }
        try:
            result = self._answers()[name](query)
        except ValueError as error:
            return {"retCode": 10001, "retMsg": str(error), "result": {}}
        return {"retCode": 0, "retMsg": "OK", "result": result, "time": NOW}

    def _answers(self) -> dict[str, Any]:
        return {
            "user/query-api": lambda _: {"uta": 1, "unified": 0},
            "account/info": lambda _: {"unifiedMarginStatus": 5},
            "execution/list": self._execution_list,
            "order/realtime": self._realtime,
            "order/history": lambda query: {"list": self._chosen(self.ended, query)},
            "position/list": self._position_list,
            "account/transaction-log": self._transaction_log,
        }

    def _execution_list(self, query: Query) -> Any:
        rows = [row for row in self.executions if row["execType"] == query.get("execType", "Trade")]
        return self._page(self._chosen(rows, query), query, "execTime", 7 * DAY, default=50, most=100)

    def _transaction_log(self, query: Query) -> Any:
        rows = [row for row in self.ledger if query.get("type") in {None, row["type"]}]
        return self._page(rows, query, "transactionTime", DAY, default=20, most=50)

    def _realtime(self, query: Query) -> Any:
        if "orderId" in query:
            return {"list": self._chosen(self.resting, query)}
        limit, first = _limit(query, 20, 50), int(query.get("cursor", "0"))
        rows = self._chosen(self.resting, query)
        return {"list": rows[first : first + limit], "nextPageCursor": str(first + limit)}

    def _position_list(self, query: Query) -> Any:
        if query["category"] == "linear" and not {"symbol", "settleCoin"} & query.keys():
            raise ValueError("symbol or settleCoin is needed")
        return {"list": self._chosen(self.positions, query)}

    def _chosen(self, rows: list[Row], query: Query) -> list[Row]:
        keys = ("symbol", "orderId", "orderStatus")
        return [row for row in rows if all(row.get(key) == query[key] for key in keys if key in query)]

    def _page(self, rows: list[Row], query: Query, key: str, window: int, *, default: int, most: int) -> Any:
        start = int(query["startTime"])
        end = int(query.get("endTime", start + window))
        if end - start > 7 * DAY:
            raise ValueError("the time between startTime and endTime is longer than 7 days")
        found = [row for row in rows if start <= int(row[key]) <= end]
        found.sort(key=lambda row: -int(row[key]))
        return {"list": found[: _limit(query, default, most)], "nextPageCursor": ""}


def _limit(query: Query, default: int, most: int) -> int:
    limit = int(query.get("limit", default))
    if not 1 <= limit <= most:
        raise ValueError(f"limit is {limit}, out of 1..{most}")
    return limit


def execution(number: int, at: int, symbol: str = "BTCUSDT", **changes: Any) -> Row:
    row = {
        **{"symbol": symbol, "execId": f"e{number}", "orderId": f"o{number}", "side": "Buy", "execType": "Trade"},
        **{"execPrice": "60000", "execQty": "0.001", "execValue": "60", "execFee": "0.01", "feeRate": "0.0001"},
        **{"feeCurrency": "USDT", "isMaker": False, "orderType": "Limit", "execTime": str(at)},
    }
    return row | changes


def order(number: int, status: str = "New", **changes: Any) -> Row:
    row = {
        **{"symbol": "BTCUSDT", "orderId": f"o{number}", "orderType": "Limit", "orderStatus": status, "side": "Buy"},
        **{"price": str(60_000 - number), "qty": "0.001", "leavesQty": "0.001", "cumExecQty": "0", "cumExecValue": "0"},
        **{"createdTime": str(NOW - number), "updatedTime": str(NOW - number)},
    }
    return row | changes


def moved(number: int, at: int, kind: str = "TRANSFER_IN", change: str = "10") -> Row:
    return {
        **{"id": f"t{number}", "symbol": "", "side": "None", "type": kind, "currency": "USDT", "fee": "0"},
        **{"change": change, "cashFlow": change, "cashBalance": "1000", "transactionTime": str(at)},
    }


def bybit(venue: Venue, *symbols: str, hours: float = 24.0) -> AbstractAsyncContextManager[Watcher]:
    markets = [market(symbol, IDS[symbol]) for symbol in symbols]
    return watching(venue, "bybit", markets, URLS, hours)


@pytest.fixture
async def resting() -> AsyncIterator[tuple[BybitVenue, Watcher]]:
    """An account with 120 resting orders, all of which the stream told of."""
    venue = BybitVenue(resting=[order(number) for number in range(120)])
    async with bybit(venue, SPOT) as watcher:
        client = watcher.link.client
        watcher.orders(SPOT).accept_streamed([client.parse_order(row, client.market(SPOT)) for row in venue.resting])
        yield venue, watcher


@pytest.mark.parametrize(("days", "a_day"), [(1, 30), (14, 100), (30, 20), (90, 3)])
async def test_every_fill_is_found_however_far_back(days: int, a_day: int) -> None:
    """Weeks that have more than a page of fills lose none of them, and no question is one that Bybit refuses."""
    venue = BybitVenue(executions=[execution(n, NOW - 9000 - n * DAY // a_day) for n in range(days * a_day)])
    async with bybit(venue, SPOT, hours=days * 24) as watcher:
        assert await watcher.fills(SPOT) == days * a_day
        assert watcher.state.intake.rejected == {}
        assert watcher.trouble() == {}
    pages = days * a_day / 50
    assert len(venue.questions("/v5/execution/list")) <= 3 * pages + 2 * days / 7 + days + 5


async def test_orders_beyond_the_first_page_rest(resting: tuple[BybitVenue, Watcher]) -> None:
    """However many orders rest, none of them is taken as canceled, and none has to be asked for alone."""
    venue, watcher = resting
    orders = watcher.orders(SPOT)
    for _ in range(3):
        await orders._read(False)
    assert (watcher.resting(SPOT), watcher.canceled(SPOT)) == (120, 0)
    assert all("orderId" not in query for query in venue.questions("/v5/order/realtime"))


async def test_an_order_that_is_gone_is_looked_up(resting: tuple[BybitVenue, Watcher]) -> None:
    """One that was filled is not canceled, also when only the record of orders still has it; one nowhere is."""
    venue, watcher = resting
    orders = watcher.orders(SPOT)
    venue.ended = [order(7, "Filled", cumExecQty="0.001", leavesQty="0")]
    venue.resting = [row for row in venue.resting if row["orderId"] not in {"o7", "o8"}]
    await orders._read(False)
    assert (watcher.resting(SPOT), watcher.canceled(SPOT)) == (119, 0)
    await orders._read(False)
    assert (watcher.resting(SPOT), watcher.canceled(SPOT)) == (118, 1)


async def test_an_order_that_may_not_be_looked_up_is_not_taken_as_canceled(
    resting: tuple[BybitVenue, Watcher], caplog: pytest.LogCaptureFixture
) -> None:
    """Only the exchange's word that it does not know the order says that; that it says nothing is told once."""
    venue, watcher = resting
    orders = watcher.orders(SPOT)
    venue.resting.pop()
    venue.refused = {"order/history"}
    for _ in range(4):
        await orders._read(False)
    assert (watcher.resting(SPOT), watcher.canceled(SPOT)) == (120, 0)
    assert caplog.text.count("cannot be found out") == 1


async def test_positions_in_several_contracts_are_told() -> None:
    """Bybit is asked for one contract at a time; what it does not list is flat."""
    venue = BybitVenue(positions=[{"symbol": "ETHUSDT", "side": "Sell", "size": "2.50", "avgPrice": "3000"}])
    async with bybit(venue, LINEAR, OTHER, INVERSE) as watcher:
        assert await watcher.positions() == {LINEAR: "0", OTHER: "-2.5", INVERSE: "0"}
        assert watcher.trouble() == {}
    asked = [(query["category"], query["symbol"]) for query in venue.questions("/v5/position/list")]
    assert asked == [("linear", "BTCUSDT"), ("linear", "ETHUSDT"), ("inverse", "BTCUSD")]


@pytest.mark.parametrize(("symbol", "currency"), [(LINEAR, "USDT"), ("BTC/USDC:USDC", "USDC"), (INVERSE, "BTC")])
async def test_funding_is_a_cost_where_the_fee_is_positive(symbol: str, currency: str) -> None:
    """What Bybit calls its fee is paid, in the currency that the contract settles in, to the last digit."""
    fees = ["0.00061234567890123456", "-0.0001", "0"]
    rows = [
        execution(n, NOW - (n + 1) * 8 * HOUR, IDS[symbol], execType="Funding", execFee=fee, feeCurrency="")
        for n, fee in enumerate(fees)
    ]
    venue = BybitVenue(executions=[*rows, execution(9, NOW - HOUR, IDS[symbol])])
    async with bybit(venue, symbol, hours=48) as watcher:
        await watcher.records()
        (book,) = watcher.state.ledger.books.values()
        assert book.sums.funding_amounts == {currency: Decimal("-0.00051234567890123456")}
    assert {query["execType"] for query in venue.questions("/v5/execution/list")} == {"Funding"}


async def test_funding_of_months_is_found() -> None:
    """Each payment once, over all pages."""
    rows = [execution(n, NOW - 9000 - n * HOUR, execType="Funding", execFee="1") for n in range(60 * 24)]
    async with bybit(BybitVenue(executions=rows), LINEAR, hours=61 * 24) as watcher:
        await watcher.records()
        (book,) = watcher.state.ledger.books.values()
        assert book.sums.funding_amounts == {"USDT": Decimal(-60 * 24)}


def test_a_ccxt_that_knows_the_sign_of_funding_changes_nothing() -> None:
    """The sign comes from Bybit's own words, so that it is not turned round twice."""

    class Later(ccxt.pro.bybit):  # type: ignore[misc]  # ccxt has no types
        def parse_income(self, income: Any, market: Any = None) -> Any:
            return {**super().parse_income(income, market), "amount": -float(income["execFee"]), "code": "BTC"}

    mended = type("Mended", (Bybit, Later), {})()
    told = mended.parse_income(execution(1, NOW, execFee="6.0"), market(LINEAR, "BTCUSDT"))
    assert (told["amount"], told["code"]) == (-6.0, "USDT")


@pytest.mark.parametrize(
    ("hours", "times"),
    [
        (720, [12 + 24 * day for day in range(29)]),
        (24, [0.1 + 0.3 * number for number in range(70)]),
        (240, [30 + number / 60 for number in range(300)]),
    ],
)
async def test_every_transfer_is_found(hours: int, times: list[float]) -> None:
    """One a day, or hundreds in hours: a day of Bybit's ledger at a time, and more than a page of it."""
    rows = [moved(n, NOW - round(at * HOUR)) for n, at in enumerate(times)]
    rows.append(moved(len(rows), NOW - HOUR, "TRANSFER_OUT", "-7.5"))
    async with bybit(BybitVenue(ledger=rows), SPOT, hours=hours) as watcher:
        await watcher.records()
        assert watcher.state.ledger.held(watcher.key, "USDT") == 10 * len(times) - Decimal("7.5")
        assert watcher.trouble() == {}
