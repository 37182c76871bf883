"""One node: what it writes to Redis, as events."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from redis.exceptions import RedisError

from exporter.config import Nautilus
from exporter.errors import EventError, JournalError, OverloadError
from exporter.events import ENDED, ZERO, Balance, BookKey, Event, Order
from exporter.health import Backoff
from exporter.intake import Intake
from exporter.sources.nautilus import convert, messages
from exporter.sources.nautilus.convert import Converter
from exporter.sources.nautilus.health import SOURCE, Node
from exporter.sources.nautilus.instruments import topic
from exporter.sources.nautilus.messages import (
    HEARTBEAT,
    AccountState,
    ComponentState,
    Definition,
    Message,
    OrderEvent,
    OrderFilled,
    PositionAdjusted,
    PositionEvent,
    seconds,
)
from exporter.sources.nautilus.orders import Orders
from exporter.sources.nautilus.streams import Entry, KeyTypeError, Streams
from exporter.sources.trade_ids import TradeIds
from exporter.state.state import State

log = logging.getLogger(__name__)

_SLICE = 50  # entries between two turns of the loop


@dataclass(slots=True)
class _Positions:
    """What nautilus counts of one instrument in one account, by the id of the position."""

    open: dict[str, Decimal] = field(default_factory=dict)
    strategies: set[str] = field(default_factory=set)
    ts: float = 0.0


class NautilusSource:
    """Brings what a node does into the intake until `run` is cancelled.

    What was written before we came, or while something failed, is taken as a redelivery: it counts in the books, but
    says nothing about how quickly things happen. Of balances and positions only the newest are then told.
    """

    def __init__(self, config: Nautilus, state: State, intake: Intake) -> None:
        self._config = config
        self._state = state
        self._intake = intake
        self._node = Node(config, state, intake)
        self._convert = Converter(config)
        self._orders = Orders(self._convert)
        self._trade_ids = TradeIds(state.ledger)
        self._started = state.clock()
        self._is_behind = True
        self._is_first = True
        self._scan_due = 0.0  # on the loop's clock
        self._asked: dict[str, float] = {}  # when the definition of an instrument was last looked for
        self._balances: dict[tuple[str, str, str], Balance] = {}
        self._positions: defaultdict[tuple[str, str], _Positions] = defaultdict(_Positions)
        self._moved: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Follow the node; returns only by cancellation."""
        backoff = Backoff()
        async with Streams(self._config, self._started) as streams:
            while True:
                try:
                    await self._step(streams)
                except (RedisError, OSError, KeyTypeError) as error:
                    self._is_behind, self._scan_due = True, 0.0
                    self._node.away(error)
                    await _pause(backoff.next())
                except JournalError:  # the journal says it; what was not taken is read again
                    self._is_behind = True
                    await _pause(backoff.next())
                else:
                    backoff.reset()
                    await _pause(0)

    async def _step(self, streams: Streams) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._scan_due:
            await self._scan(streams)
            self._scan_due = now + self._config.scan_interval
        entries, is_all = await streams.read()
        for count, entry in enumerate(entries):
            message = self._decode(entry)
            await self._learn(streams, entry, message)
            await self._deliver(entry, message)
            streams.passed(entry)
            if count % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
        if is_all:
            self._settle()
        await self._intake.durable()
        if is_all:
            self._is_behind = self._is_first = False
        self._node.judge(has_streams=streams.found, base=streams.base)
        if not streams.found:
            await _pause(max(0.0, self._scan_due - asyncio.get_running_loop().time()))

    async def _scan(self, streams: Streams) -> None:
        lost, replaced = streams.lost, streams.replaced
        await streams.scan()
        if streams.lost > lost:
            self._node.missed(streams.lost - lost)
        if streams.replaced > replaced:
            self._is_behind = True
            log.warning("%s: a stream was deleted and began anew; it is read from its beginning", self._config.name)

    def _decode(self, entry: Entry) -> Message | None:
        # Redis's clock may be off; what comes while we watch is of now.
        when = entry.ts if self._is_behind else self._state.clock()
        self._node.heard(when, heartbeat=entry.fields.get(b"topic") == HEARTBEAT.encode())
        try:
            return messages.decode(entry.fields)
        except EventError as error:
            self._node.reject(error)
            return None

    async def _learn(self, streams: Streams, entry: Entry, message: Message | None) -> None:
        """Look for the definition of an instrument that is new to us, where each topic has a stream of its own."""
        name = str(getattr(message.data, "instrument_id", "")) if message else ""
        own_topic = entry.fields.get(b"topic", b"").decode(errors="replace")
        if not name or self._convert.instruments.knows(name) or not entry.key.endswith(f":{own_topic}"):
            return
        now = asyncio.get_running_loop().time()
        if now >= self._asked.get(name, 0.0):
            self._asked[name] = now + self._config.scan_interval
            definition = await streams.newest(entry.key.removesuffix(own_topic) + topic(name))
            if definition is not None:
                self._take(definition, self._decode(definition))

    async def _deliver(self, entry: Entry, message: Message | None) -> None:
        """Hand on what an entry says; when the journal is behind, once it has caught up."""
        try:
            self._take(entry, message)
        except OverloadError:
            self._is_behind = True
            await self._intake.durable()
            self._take(entry, message)

    def _take(self, entry: Entry, message: Message | None) -> None:
        """Hand on what an entry says; `OverloadError` when it has to come again."""
        if message is not None:
            try:
                self._handle(message, entry)
            except EventError as error:
                self._node.reject(error, getattr(message.data, "instrument_id", ""))

    def _handle(self, message: Message, entry: Entry) -> None:
        match message.data:
            case OrderEvent() as told:
                if isinstance(told, OrderFilled):
                    self._fill(told)
                self._order(message.kind, told, entry)
            case PositionEvent() as told:
                self._position(told)
            case PositionAdjusted() as told:
                payment = self._convert.funding(told)
                if payment is not None:
                    self._hand_on(payment)
            case AccountState() as told:
                for balance in self._convert.balances(told, entry.ts):
                    self._balances[balance.exchange, balance.account, balance.currency] = balance
            case ComponentState(component_type="Trader", state=running):
                self._node.figures.running = running == "RUNNING"
            case Definition() as told:
                self._convert.instruments.define(told)

    def _fill(self, told: OrderFilled) -> None:
        fill = self._convert.fill(told)
        if convert.is_inferred(told) and not self._state.ledger.knows(fill):
            if not self._config.inferred_fills:
                return
            fill = convert.inferred(told, fill)
        self._hand_on(self._trade_ids.of(fill), redelivery=told.reconciliation)

    def _order(self, kind: str, told: OrderEvent, entry: Entry) -> None:
        event = self._orders.update(kind, told)
        is_news = not self._is_first or entry.ts >= self._started
        if event is not None and (is_news or self._ends_one_of_ours(event)):
            self._hand_on(event, redelivery=told.reconciliation)
        self._orders.forget(told)

    def _ends_one_of_ours(self, order: Order) -> bool:
        """Whether an order that ended while we were away is one that we believe to rest."""
        key = BookKey(order.exchange, order.account, order.symbol, order.strategy)
        if order.status not in ENDED or key not in self._state.orders.books:
            return False
        counts = self._state.orders.books[key]
        return order.order_id in counts.open or order.order_id in counts.before

    def _position(self, told: PositionEvent) -> None:
        key = told.account_id, told.instrument_id
        positions, quantity = self._positions[key], convert.signed(told)
        positions.strategies.add(told.strategy_id)
        positions.ts = seconds("ts_event", told.ts_event or told.ts_closed or told.ts_init)
        positions.open[told.position_id] = quantity
        if not quantity:
            del positions.open[told.position_id]
        self._moved.add(key)
        self._node.figures.open_trades = sum(len(each.open) for each in self._positions.values())

    def _settle(self) -> None:
        """All that there was has been taken: tell what only the newest of matters."""
        if self._is_first:
            for order in self._orders.resting():
                self._hand_on(order)
        while self._balances:
            self._hand_on(next(iter(self._balances.values())))
            del self._balances[next(iter(self._balances))]
        while self._moved:
            self._report(*next(iter(self._moved)))
            self._moved.discard(next(iter(self._moved)))

    def _report(self, account_id: str, name: str) -> None:
        """Tell the position in a contract, when nautilus has told it of every strategy that traded it."""
        if not self._config.positions or not self._convert.instruments.knows(name):
            return
        positions = self._positions[account_id, name]
        try:
            instrument = self._convert.instruments.find(name)
            total = sum(positions.open.values(), ZERO)
            report = self._convert.position(account_id, instrument, total, positions.ts)
        except EventError as error:
            self._node.reject(error, name)
            return
        where = report.exchange, report.account, report.symbol
        traded = {key.strategy for key in self._state.ledger.books if key[:3] == where}
        if instrument.is_contract and traded <= positions.strategies:
            self._hand_on(report)

    def _hand_on(self, event: Event, *, redelivery: bool = False) -> None:
        self._intake.accept(event, SOURCE, redelivery=redelivery or self._is_behind)


async def _pause(delay: float) -> None:
    """Sleep, unless we were cancelled: with Python 3.11 redis's client may swallow that (`asyncio.wait_for` does)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    await asyncio.sleep(delay)
