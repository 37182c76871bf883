"""Records and journals for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path

from exporter.events import Balance, Funding, PositionReport, Transfer
from exporter.journal import Journal
from exporter.journal.records import (
    Incident,
    Lasting,
    Moved,
    Opened,
    Paid,
    Passing,
    Record,
    Reported,
    Revalued,
    Sampled,
    Valued,
)
from tests.builders import T0, fee, fill, order

ONE_OF_EACH: list[Lasting] = [
    Valued(
        fill("1", "buy", "99.5", "2", T0, fee=(fee("0.01"), fee("-0.0001", "BNB")), liquidity="maker"),
        Decimal("99.75"),
        Decimal(1),
        (Decimal(1), Decimal("612.3")),
    ),
    Valued(fill('é\n"2', "sell", "1e-9", "123456789.123456789", T0 + 0.125), Decimal("0.5"), None, None, exact=False),
    Revalued("alpha", "main", "BTC/USDT", "2", Decimal("0.5"), Decimal("1.01"), (), exact=True),
    Revalued("alpha", "main", "BTC/USDT", "2", Decimal("0.5"), Decimal("1.01"), None, exact=False),
    Paid(
        Funding(
            exchange="alpha", symbol="BTC/USDT:USDT", funding_id="f", currency="USDT", amount=Decimal("-0.5"), ts=T0 + 1
        ),
        Decimal(1),
    ),
    Moved(
        Transfer(exchange="alpha", transfer_id="t", currency="BTC", amount=Decimal("-3"), ts=T0 + 2), None, exact=False
    ),
    Opened("alpha", "main", "BTC", Decimal("1.5"), T0 + 3),
]

ONE_OF_EACH_PASSING: list[Passing] = [
    Reported(Balance(exchange="alpha", account="main", currency="BTC", total=Decimal("1.5"), ts=T0)),
    Reported(PositionReport(exchange="alpha", symbol="BTC/USDT:USDT", quantity=Decimal(-2), ts=T0)),
    Reported(order("7", "rejected", reason="no_funds", sent_ts=T0 - 0.2, ack_ts=T0 - 0.1)),
    Sampled(T0, "alpha", "main", 1000.25, 1001.5),
    Incident(1, T0, "ea4d25572cfd69bc", "critical", "TradingCpuHigh", "", "It is busy.", T0, T0 + 60, resolved=True),
]


def valued(number: int, note: str = "") -> Valued:
    """The fill of this number."""
    price = f"{60_000 + number % 97}.{number % 10}"
    return Valued(fill(str(number), "buy", price, "0.5", T0 + number, order_id=note), Decimal(price), Decimal(1), ())


def reported(number: int) -> Reported:
    """A balance of this number."""
    balance = Balance(exchange="alpha", account="main", currency="BTC", total=Decimal(number), ts=T0 + number)
    return Reported(balance)


@asynccontextmanager
async def written(journal: Journal) -> AsyncIterator[Journal]:
    """The journal with its task running, closed in the end."""
    task = asyncio.create_task(journal.run())
    await asyncio.sleep(0)
    try:
        yield journal
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        journal.close()


def lasting(journal: Journal) -> list[Record]:
    """All lasting records of a journal."""
    return [record for _, records in journal.lasting() for record in records]


def passing(journal: Journal) -> list[Record]:
    return [record for records in journal.passing() for record in records]


async def fill_rows(journal: Journal, numbers: range, each: int = 1) -> None:
    """Write rows of ``each`` fills, and after every tenth one a passing one."""
    for first in numbers[::each]:
        for number in range(first, min(first + each, numbers.stop)):
            journal.append(valued(number))
        if first // each % 10 == 9:
            journal.append(reported(first))
        await journal.durable()


def numbers(records: list[Record]) -> list[int]:
    """The numbers that `valued` made these records of."""
    fills = (record.fill for record in records if isinstance(record, Valued))
    return [int(fill.trade_id) for fill in fills if fill.trade_id.isdecimal()]


def files(path: Path) -> dict[str, bytes]:
    """The database and its WAL as they are on disk now."""
    return {
        suffix: file.read_bytes() for suffix in ("", "-wal") if (file := path.with_name(path.name + suffix)).exists()
    }
