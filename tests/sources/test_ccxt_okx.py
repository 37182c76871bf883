"""OKX through real ccxt: what it is asked, and what is made of answers by its documented rules."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from tests.sources.venue import DAY, HOUR, NOW, Query, Venue, Watcher, market, watching

SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
IDS = {SPOT: "BTC-USDT", LINEAR: "BTC-USDT-SWAP", INVERSE: "BTC-USD-SWAP"}
KINDS = {"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"}
PAGE = 100
BILLS, FILLS = "/api/v5/account/bills-archive", "/api/v5/trade/fills-history"

Row = dict[str, Any]


@dataclass
class OkxVenue(Venue):
    """OKX's rules: the newest 100 of a time first; a transfer belongs to no instrument, and so to no type of one."""

    bills: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    resting: list[Row] = field(default_factory=list)
    ended: list[Row] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)

    def answer(self, path: str, query: Query) -> Any:
        """The exchange's answer, and its error for what it does not allow."""
        if query.get("instType", "SPOT") not in KINDS:
            return {"code": "51000", "msg": "Parameter instType error", "data": []}
        if path == "/api/v5/trade/order":
            found = [row for row in (*self.resting, *self.ended) if row["ordId"] == query["ordId"]]
            return _answer(found) if found else {"code": "51603", "msg": "Order does not exist", "data": []}
        if path == "/api/v5/account/positions":
            wanted = query["instId"].split(",")
            if len(wanted) > 10:
                return {"code": "51000", "msg": "Parameter instId error", "data": []}
            return _answer([row for row in self.positions if row["instId"] in wanted])
        if path == "/api/v5/trade/orders-pending":
            older = [row for row in self.resting if int(row["ordId"]) < int(query.get("after", 10**9))]
            return _answer(sorted(older, key=lambda row: -int(row["ordId"]))[:PAGE])
        rows = {BILLS: self.bills, FILLS: self.fills}[path]
        keys = ("type", "instType", "instId", "ccy")
        chosen = [row for row in rows if all(row.get(key) == query[key] for key in keys if key in query)]
        return _answer(self._page(chosen, query))

    def _page(self, rows: list[Row], query: Query) -> list[Row]:
        begin, end = int(query.get("begin", 0)), int(query.get("end", NOW))
        found = [row for row in rows if begin <= int(row["ts"]) <= end]
        return sorted(found, key=lambda row: -int(row["ts"]))[: int(query.get("limit", PAGE))]


def _answer(rows: list[Row]) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": rows}


def bill(number: int, at: int, kind: str = "1", change: str = "10", symbol: str = "") -> Row:
    return {
        **{"billId": f"b{number}", "ccy": "USDT", "type": kind, "balChg": change, "bal": "1000", "fee": "0"},
        **{"instId": symbol, "instType": "SWAP" if symbol else "", "ts": str(at), "sz": change, "mgnMode": ""},
        **{"posBalChg": "0", "subType": "", "ordId": "", "from": "6", "to": "18", "pnl": "0", "notes": ""},
    }


def okx(venue: Venue, *symbols: str, hours: float = 24.0) -> AbstractAsyncContextManager[Watcher]:
    markets = [market(symbol, IDS.get(symbol, symbol.split("/", maxsplit=1)[0] + "-USDT-SWAP")) for symbol in symbols]
    return watching(venue, "okx", markets, {"rest": "{}"}, hours)


@pytest.mark.parametrize(("count", "apart"), [(3, HOUR), (250, 6 * HOUR), (450, 60_000)])
async def test_every_transfer_is_found(count: int, apart: int) -> None:
    """Bills of type 1 are asked for, whatever instrument they are of, and all pages of them."""
    rows = [bill(n, NOW - 9000 - n * apart) for n in range(count)]
    rows += [bill(count, NOW - HOUR, change="-2.5"), bill(count + 1, NOW - HOUR, "2", "-99", "BTC-USDT")]
    venue = OkxVenue(bills=rows)
    async with okx(venue, SPOT, hours=80 * 24) as watcher:
        await watcher.records()
        assert watcher.state.ledger.held(watcher.key, "USDT") == 10 * count - Decimal("2.5")
        assert watcher.trouble() == {}
    assert {(query["type"], query.get("instType")) for query in venue.questions(BILLS)} == {("1", None)}


async def test_every_fill_is_found() -> None:
    """The newest hundred of a time come first, and the others are asked for until none is left."""
    rows = [
        {
            **{"instId": "BTC-USDT", "instType": "SPOT", "tradeId": str(n), "billId": str(n), "ordId": f"o{n}"},
            **{"side": "buy", "fillSz": "0.001", "fillPx": "60000", "fee": "-0.01", "feeCcy": "USDT", "execType": "M"},
            **{"ts": str(NOW - 9000 - n * HOUR // 2)},
        }
        for n in range(1000)
    ]
    venue = OkxVenue(fills=rows)
    async with okx(venue, SPOT, hours=24 * 24) as watcher:
        assert await watcher.fills(SPOT) == 1000
        assert watcher.trouble() == {}
    assert all(int(query["begin"]) >= NOW - 24 * DAY for query in venue.questions(FILLS))


async def test_orders_beyond_the_first_page_rest() -> None:
    """All pages of the orders that rest are read; one that was filled is found, and one that is nowhere is canceled."""
    row = {"instId": "BTC-USDT", "instType": "SPOT", "ordType": "limit", "state": "live", "side": "buy", "sz": "1"}
    row |= {"px": "60000", "accFillSz": "0", "fillSz": "0", "cTime": str(NOW), "uTime": str(NOW)}
    venue = OkxVenue(resting=[row | {"ordId": str(number)} for number in range(230)])
    async with okx(venue, SPOT) as watcher:
        orders = watcher.orders(SPOT)
        for _ in range(3):
            await orders._read(False)
        assert (watcher.resting(SPOT), watcher.canceled(SPOT)) == (230, 0)
        assert venue.questions("/api/v5/trade/order") == []
        venue.ended = [venue.resting.pop(5) | {"state": "filled", "accFillSz": "1"}]
        venue.resting.pop(5)
        await orders._read(False)
        assert (watcher.resting(SPOT), watcher.canceled(SPOT)) == (229, 0)
        await orders._read(False)
        assert (watcher.resting(SPOT), watcher.canceled(SPOT)) == (228, 1)


async def test_positions_in_many_contracts_are_told() -> None:
    """OKX takes ten contracts in a question."""
    symbols = [f"C{number}/USDT:USDT" for number in range(12)]
    position = {"instId": "C11-USDT-SWAP", "instType": "SWAP", "pos": "-7", "posSide": "net", "mgnMode": "cross"}
    venue = OkxVenue(positions=[position])
    async with okx(venue, *symbols) as watcher:
        assert await watcher.positions() == dict.fromkeys(symbols, "0") | {"C11/USDT:USDT": "-7"}
        assert watcher.trouble() == {}
    assert [query["instId"].count(",") for query in venue.questions("/api/v5/account/positions")] == [9, 1]


async def test_funding_of_months_is_found() -> None:
    """Each contract's payments over all pages, as the balance changed, however many other contracts have some."""
    rows = [bill(n, NOW - 9000 - n * 8 * HOUR, "8", "-0.5", "BTC-USDT-SWAP") for n in range(240)]
    rows += [bill(1000 + n, NOW - 9000 - n * 10_000, "8", "1", "ETH-USDT-SWAP") for n in range(500)]
    async with okx(OkxVenue(bills=rows), LINEAR, hours=81 * 24) as watcher:
        await watcher.records()
        (book,) = watcher.state.ledger.books.values()
        assert book.sums.funding_amounts == {"USDT": Decimal(-120)}
        assert watcher.trouble() == {}
