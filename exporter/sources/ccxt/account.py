"""What the exchange says that an account holds, and its records of how that came about other than by trading.

Balances and positions are read first and handed on last: once all is known that happened before them, they can be
held against the books. Records of money that moved are expensive to ask for, so that they are read when the balances
are not what the books say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from ccxt.base.errors import ArgumentsRequired, AuthenticationError, BadRequest, ExchangeError, NotSupported

from exporter.errors import EventError
from exporter.events import Balance, Funding, PositionReport, Transfer
from exporter.sources.ccxt import convert
from exporter.sources.ccxt.client import Call, operation
from exporter.sources.ccxt.history import Fills, Reader
from exporter.sources.ccxt.link import SOURCE, Link
from exporter.sources.ccxt.pages import OVERLAP, Fetch, Pages, timestamp
from exporter.sources.ccxt.wallets import Records, Wallets, feature

log = logging.getLogger(__name__)

_REFUSED_FOR = 3600.0  # seconds after which what a key may not do is tried again
_EVERYTHING_AFTER = 3600.0  # seconds
_DUST = Decimal("1e-7")  # by which exchanges round
_LASTING = (ArgumentsRequired, BadRequest, NotSupported)
_ENDED = frozenset(("ok", "failed", "canceled", "rejected", "expired", None))

T = TypeVar("T")


class AccountReader:
    """Reads all that belongs to an account as a whole; ``fills`` are those of its symbols."""

    def __init__(self, link: Link, symbols: list[str], fills: list[Fills]) -> None:
        self._link = link
        self._fills = fills
        self._wallets = Wallets(link.config, symbols, link.client.has)
        self._contracts = [symbol for symbol in symbols if ":" in symbol]
        self._denied: dict[str, float] = {}
        self._positions = Question(link, "positions", "fetch_positions", self._denied)
        self._histories = list(self._records())
        self._everything_at = 0.0
        self._held: set[str] = set()
        self.reader = Reader(link, link.account_part("balances"), link.config.reconcile_interval, self._read)
        if self._wallets.trouble:
            log.warning("%s: %s", link.config.name, self._wallets.trouble)

    def _records(self) -> Iterator[History]:
        """The records that may explain a balance, those first that most often do."""
        for records in self._wallets.funding:
            if self._has(records.method):
                yield self._history(records, self._payment)
        for records in self._wallets.records:
            if self._has(records.method):
                yield self._history(records, partial(self._moves, records))

    def _history(self, records: Records, convert_entry: Callable[[Any], Iterable[Event]]) -> History:
        question = Question(self._link, records.name, records.method, self._denied)
        pages = Pages(self._link, records.name, self._fetch(records), step=records.step)
        return History(self._link, question, pages, convert_entry)

    def _fetch(self, records: Records) -> Fetch:
        params = dict(records.params)
        limit, method = params.pop("limit", None), records.method
        what = (records.prefix or None) if method == "fetch_funding_history" else None

        async def fetch(since: int, until: int | None) -> list[Any]:
            limits = {} if until is None else {"until": until}
            with operation(method):
                return list(await getattr(self._link.client, method)(what, since, limit, {**params, **limits}))

        return fetch

    def _moves(self, records: Records, entry: Any) -> Iterable[Event]:
        if records.only is not None and entry.get("type") not in records.only:
            return ()
        return convert.transfers(entry, self._link.config, records.prefix, records.sign)

    def _payment(self, entry: Any) -> Iterable[Event]:
        symbol = entry.get("symbol")
        return [convert.funding(entry, self._link.config, symbol)] if symbol in self._contracts else ()

    def _has(self, method: str) -> bool:
        return bool(self._link.client.has.get(feature(method)))

    async def _read(self, after_gap: bool) -> None:  # noqa: ARG002 - all readings are alike
        balances = await self._balances()
        positions = await self._positions.ask(self._reported) or []
        reports: list[Balance | PositionReport] = [*balances, *positions]
        if not await self._is_known(max((report.ts for report in reports), default=0.0)):
            return
        await self._explain(balances)
        for report in reports:
            self._link.intake.accept(report, SOURCE, redelivery=True)

    async def _explain(self, balances: list[Balance]) -> None:
        """Read the records of money that moved until balances agree with the books, and all of them each hour."""
        now = asyncio.get_running_loop().time()
        everything = now >= self._everything_at
        for history in self._histories:
            if everything or not self._agree(balances):
                await history.read()
        if everything:
            self._everything_at = now + _EVERYTHING_AFTER

    def _agree(self, balances: list[Balance]) -> bool:
        """Whether the balances are what the books say now; a fill on its way makes them differ as well."""
        ledger, key = self._link.state.ledger, (self._link.config.name, self._link.config.account)
        checks = ledger.accounts[key].balances
        for report in balances:
            opening = checks[report.currency].opening
            if opening is None or abs(opening + ledger.held(key, report.currency) - report.total) > _DUST:
                return False
        return bool(balances) and not self._wallets.left_out

    async def _balances(self) -> list[Balance]:
        wallets = self._wallets
        if wallets.balance is None or not self._has("fetch_balance"):
            return []
        with operation("fetch_balance") as call:
            answer = await self._link.client.fetch_balance(dict(wallets.balance))
        before, self._held = self._held, convert.held(answer)
        currencies = (before | self._held | wallets.own) - wallets.left_out
        return convert.balances(answer, self._link.config, currencies, self._at(call))

    async def _reported(self) -> list[PositionReport]:
        """The positions in all contracts; what the exchange does not list is flat."""
        if not self._has("fetch_positions"):
            return []
        return [report for symbols in self._wallets.positions for report in await self._positions_in(symbols)]

    async def _positions_in(self, symbols: list[str]) -> list[PositionReport]:
        with operation("fetch_positions") as call:
            found = list(await self._link.client.fetch_positions(symbols))
        reports, at = [], self._at(call)
        for symbol in symbols:
            try:
                size = self._link.contract_size(symbol)
                reports.append(convert.position(found, self._link.config, symbol, size, at))
            except EventError as error:
                self._link.intake.reject(error, SOURCE)
        return reports

    def _at(self, call: Call) -> float:
        """When an answer was true, on the exchange's clock.

        The times in answers are of different things, some of the last change: the middle of the request is not.
        """
        if not call.sent:
            return self._link.exchange_now()
        return (call.sent + call.received) / 2 + (self._link.exchange.clock_offset or 0.0)

    async def _is_known(self, at: float) -> bool:
        """Wait until the fills before ``at`` are known; False if that takes so long that the next reading is due."""
        try:
            async with asyncio.timeout(self._link.config.reconcile_interval):
                for fills in self._fills:
                    await fills.read_to(at)
        except TimeoutError:
            return False
        return True


class Question:
    """Something that is asked beside other things, whose refusal does not spoil these.

    A refusal is said once; what the exchange does not know is asked again after an hour, and so is all of a kind that
    the key may not read: ``denied`` has the time of that by ``kind``.
    """

    def __init__(self, link: Link, name: str, kind: str, denied: dict[str, float]) -> None:
        self._link = link
        self._part = link.account_part(name)
        self._kind = kind
        self._denied = denied
        self._again = 0.0

    async def ask(self, attempt: Callable[[], Awaitable[T]]) -> T | None:
        """The answer; None where there is none now. A connection that fails is the caller's trouble."""
        now = asyncio.get_running_loop().time()
        if now < max(self._again, self._denied.get(self._kind, 0.0)):
            return None
        try:
            answer = await attempt()
        except ExchangeError as error:
            self._link.failed(self._part, error)
            if isinstance(error, AuthenticationError):
                self._denied[self._kind] = now + _REFUSED_FOR
            elif isinstance(error, _LASTING):
                self._again = now + _REFUSED_FOR
            return None
        self._link.works(self._part)
        return answer


Event = Transfer | Funding


class History:
    """One record of entries, read on from where the last reading ended, or from the first entry that is pending."""

    def __init__(
        self, link: Link, question: Question, pages: Pages, convert_entry: Callable[[Any], Iterable[Event]]
    ) -> None:
        self._link = link
        self._question = question
        self._pages = pages
        self._convert = convert_entry
        self._read_to = _begin(link)

    async def read(self) -> None:
        """Take what is new; what the intake does not take now is read again."""
        now = self._link.exchange_now()
        entries = await self._question.ask(partial(self._pages.read, self._read_to - OVERLAP, now))
        if entries is None:
            return
        for number, entry in enumerate(entries):
            self._accept(entry)
            if number % 100 == 99:
                await asyncio.sleep(0)
        pending = [timestamp(entry) / 1000 for entry in entries if entry.get("status") not in _ENDED]
        self._read_to = min([now, *pending])

    def _accept(self, entry: Any) -> None:
        if entry.get("status") not in ("ok", None):
            return
        try:
            events = list(self._convert(entry))
        except EventError as error:
            self._link.intake.reject(error, SOURCE)
        else:
            for event in events:
                self._link.intake.accept(event, SOURCE, redelivery=True)


def _begin(link: Link) -> float:
    """As far back as configured, and where fills are known from before, not later than the newest of them."""
    now, config = link.exchange_now(), link.config
    newest = link.state.ledger.newest_fill((config.name, config.account))
    begin = now - config.backfill_hours * 3600
    return (begin if newest is None else min(begin, newest)) + OVERLAP
