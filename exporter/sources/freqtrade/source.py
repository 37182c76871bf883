"""One freqtrade bot: what it is, whether it works, and what it traded."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec

from exporter.config import Freqtrade
from exporter.errors import EventError, JournalError
from exporter.health import Backoff, Health
from exporter.intake import Intake
from exporter.sources.freqtrade.api import Anything, Api
from exporter.sources.freqtrade.convert import Labels, TradeRow
from exporter.sources.freqtrade.failures import BotError
from exporter.sources.freqtrade.holdings import Holdings
from exporter.sources.freqtrade.record import SOURCE, Record
from exporter.sources.freqtrade.stream import Stream
from exporter.sources.freqtrade.wallets import Wallets
from exporter.state.bots import BotState
from exporter.state.exchange import ErrorKind
from exporter.state.state import State

log = logging.getLogger(__name__)

_AUTHENTICATION_PAUSE = 60.0  # a wrong password does not mend itself
_HOLDINGS_EVERY = 60.0  # seconds; the bot itself asks the exchange that seldom
_HISTORY_EVERY = 3600.0  # seconds between two readings of the whole history
_PAGE = 100  # trades
_SLICE = 20  # trades that are handed on between two turns of the loop
_SETTLE = 0.1  # seconds
_WORKS = {"running": True, "reload_config": True, "paused": False, "stopped": False}


class _Page(msgspec.Struct):
    trades: list[msgspec.Raw]


class _Account(msgspec.Struct):
    currencies: msgspec.Raw = msgspec.Raw(b"[]")


class FreqtradeSource:
    """Brings what a bot does into the intake until `run` is cancelled."""

    def __init__(self, config: Freqtrade, state: State, intake: Intake, wallets: Wallets) -> None:
        self._config = config
        self._state = state
        self._intake = intake
        self._bot = state.bots[config.name] = BotState("freqtrade")
        self._health = Health(f"bot/{config.name}", state)
        self._balances = Health(f"bot/{config.name}/balances", state) if config.reports else None
        self._wallets = wallets
        self._wanted: set[int | None] = set()  # trades that the stream told of; None stands for all
        self._stirred = asyncio.Event()
        self._record: Record | None = None
        self._holdings: Holdings | None = None
        self._all_due = self._history_due = self._holdings_due = 0.0  # on the loop's clock

    async def run(self) -> None:
        """Watch the bot; returns only by cancellation."""
        async with Api(self._config) as api, asyncio.TaskGroup() as tasks:
            health = Health(f"bot/{self._config.name}/stream", self._state)
            tasks.create_task(Stream(api, health, self._hear).run())
            tasks.create_task(self._watch(api))

    def _hear(self, trade_id: int | None) -> None:
        """The stream told of a fill in a trade, or with None of something else that is worth a look at all."""
        self._wanted.add(trade_id)
        self._stirred.set()

    async def _watch(self, api: Api) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._read(api)
            except BotError as error:
                self._failed(error)
                await asyncio.sleep(_AUTHENTICATION_PAUSE if error.kind is ErrorKind.AUTHENTICATION else backoff.next())
            except JournalError:  # the journal says it; nothing was marked as handed on
                self._all_due = 0.0
                await asyncio.sleep(backoff.next())
            else:
                backoff.reset()
                await self._rest()

    async def _rest(self) -> None:
        """Wait for the next turn, or for the stream, which often has several messages at once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.poll_interval):
                await self._stirred.wait()
            await asyncio.sleep(_SETTLE)

    async def _read(self, api: Api) -> None:
        """Only the trades that the stream told of, or all when that is due."""
        wanted, self._wanted = self._wanted, set()
        self._stirred.clear()
        now = asyncio.get_running_loop().time()
        if wanted and None not in wanted and now < self._all_due:
            with suppress(BotError):  # such as a trade that is gone; if it is the bot that is, the rest will tell
                return await self._read_some(api, wanted)
        await self._read_all(api)
        self._all_due = now + self._config.poll_interval
        return None

    def _failed(self, error: BotError) -> None:
        """The bot is away: when it is back, all it did meanwhile is looked for."""
        self._bot.up, self._bot.running, self._bot.open_trades = False, None, None
        self._all_due = self._history_due = 0.0
        self._health.failed(str(error), error.kind)

    async def _read_all(self, api: Api) -> None:
        """What the bot is, all of its open trades, and of the closed ones those that are new."""
        now = asyncio.get_running_loop().time()
        record = self._identify(await api.get("/show_config", Anything))
        await self._read_health(api)
        if not self._config.fills:
            self._bot.open_trades = _number(await api.get("/count", Anything), "current")
            return
        trades = [*record.rows(await api.get("/status", list[msgspec.Raw]))]
        self._bot.open_trades = len(trades)
        for trade in trades:
            record.take(trade)
            await asyncio.sleep(0)
        is_whole = now >= self._history_due
        trades += await self._read_closed(api, record, is_whole=is_whole)
        record.ended_unseen(trades)
        if is_whole:
            self._history_due = now + _HISTORY_EVERY
        if self._balances is not None:
            await self._read_holdings(api, record, self._balances)

    async def _read_some(self, api: Api, wanted: set[int | None]) -> None:
        """The trades that the stream told of, each alone."""
        if self._record is not None and self._config.fills:
            for number in wanted:
                for trade in self._record.rows([await api.get(f"/trade/{number}", msgspec.Raw)]):
                    self._record.take(trade)

    async def _read_closed(self, api: Api, record: Record, *, is_whole: bool) -> list[TradeRow]:
        """Closed trades, the newest first, until a page has nothing new; ``is_whole``: all of them."""
        oldest = (self._state.clock() - self._config.backfill_days * 86_400) * 1000
        found: list[TradeRow] = []
        for offset in range(0, 1_000_000_000, _PAGE):
            page = await api.get("/trades", _Page, limit=_PAGE, offset=offset, order_by_id="false")
            trades = [*record.rows(page.trades)]
            times = [trade.close_timestamp or 0.0 for trade in trades]
            new = [trade for trade, time in zip(trades, times, strict=True) if time >= oldest]
            new = [trade for trade in new if not record.knows(trade)]
            for count, trade in enumerate(new):
                record.take(trade, is_final=True)
                if count % _SLICE == _SLICE - 1:
                    await asyncio.sleep(0)
            found += new
            # A version that sorts otherwise may have what is new on its last page.
            is_sorted = times == sorted(times, reverse=True)
            is_past = is_sorted and (min(times, default=0.0) < oldest or not (new or is_whole))
            if len(page.trades) < _PAGE or is_past:
                break
            await asyncio.sleep(0)
        return found

    # What the bot is, and whether it works.

    def _identify(self, told: Anything) -> Record:
        bot = self._bot
        bot.version, bot.dry_run = _text(told, "version"), bool(told.get("dry_run"))
        bot.strategy = _text(told, "strategy") or _text(told, "bot_name")
        bot.running = _WORKS.get(_text(told, "state"))
        labels = Labels.of(self._config, _text(told, "exchange") or "unknown", dry_run=bot.dry_run)
        if self._record is None or self._record.labels != labels:
            self._record = Record(labels, self._state, self._intake, dry_run=bot.dry_run)
            self._holdings = Holdings(labels, self._state, self._intake)
            self._history_due = self._holdings_due = 0.0
            self._wallets.claim(self._config, labels)
            self._warn_of_two_records(labels)
        return self._record

    def _warn_of_two_records(self, labels: Labels) -> None:
        for exchange in self._state.config.exchanges:
            is_same = (exchange.name, exchange.account) == (labels.exchange, labels.account)
            if is_same and exchange.has_keys and exchange.symbols and self._config.fills:
                text = "%s: exchanges reads this account's fills as well, so they count twice; set fills: false"
                log.warning(text, self._config.name)

    async def _read_health(self, api: Api) -> None:
        """When the bot's loop last turned; one that stands still while the bot should work is as good as down."""
        told = await api.get("/health", Anything)
        self._bot.last_seen = seen = _number(told, "last_process_ts")
        now, limit = self._state.clock(), self._config.stuck_after
        awake_since = max(seen or 0.0, _number(told, "bot_startup_ts") or 0.0)
        is_stuck = bool(self._bot.running and awake_since) and now - awake_since > limit
        self._bot.up = not is_stuck
        if is_stuck:
            text = f"it answers, but its loop has stood still for {now - awake_since:.0f} s; see its log"
            self._health.failed(text, ErrorKind.UNAVAILABLE)
        else:
            self._health.works()

    async def _read_holdings(self, api: Api, record: Record, health: Health) -> None:
        """What the account holds. A bot that cannot say it, as when its exchange is away, works all the same."""
        now, why_not = asyncio.get_running_loop().time(), self._why_not_compared(record)
        if why_not:
            health.works(why_not)
        elif now >= self._holdings_due:
            await self._ask_holdings(api, health)
            self._holdings_due = now + _HOLDINGS_EVERY

    async def _ask_holdings(self, api: Api, health: Health) -> None:
        try:
            told = await api.get("/balance", _Account)
            # Meanwhile another bot may have said that it has the same account.
            if self._holdings is not None and not self._wallets.others(self._config):
                self._holdings.take(told.currencies)
        except BotError as error:
            health.failed(str(error), error.kind)
        except EventError as error:
            self._intake.reject(error, SOURCE)
            health.failed(str(error), ErrorKind.BAD_RESPONSE)
        else:
            health.works()

    def _why_not_compared(self, record: Record) -> str:
        """What keeps the account's balances from being held against the books, in words; mostly nothing."""
        if record.has_foreign_fees:
            return "not compared: fees were paid in a currency whose amounts freqtrade does not keep"
        others = self._wallets.others(self._config)
        if others:
            return f"not compared: this is the account of {' and '.join(others)} as well; set account for each"
        return ""


def _text(told: dict[str, Any], key: str) -> str:
    value = told.get(key)
    return value[:100] if isinstance(value, str) else ""


def _number(told: dict[str, Any], key: str) -> Any:
    value = told.get(key)
    return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None
