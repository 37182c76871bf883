"""Brings the state back at the start, and keeps it beside the journal so that the next start is quick."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import msgspec

from exporter.errors import JournalError, OverloadError
from exporter.events import BookKey, Order
from exporter.journal import Part
from exporter.journal.records import Incident, Record, Reported
from exporter.ledger import saving
from exporter.state.incidents import SavedIncidents
from exporter.state.quality import SavedQuality
from exporter.state.risk import SavedRisk
from exporter.state.signals import SavedModel
from exporter.state.state import State

_LOOK_EVERY = 1.0  # seconds
_TELL_EVERY = 5.0
_RATE_PATIENCE = 5.0  # seconds; right after a start the first prices are still on their way

_ORDERS_BEFORE = 86_400.0  # seconds before the last saving, of which ended orders are remembered

# Parts; the last says whether all was saved at the end.
_QUALITY, _RISK, _INCIDENTS, _SIGNALS, _END = "quality", "risk", "incidents", "signals", "end"
_CLEAN = b"clean"

T = TypeVar("T")

log = logging.getLogger(__name__)


def recover(state: State) -> None:
    """Bring an empty state to what the journal knows; tells how far it is when that takes long."""
    journal, started = state.log, time.monotonic()
    parts = {part.name: part for part in journal.parts()}
    row = 0
    if saving.load(state.ledger, {name: part.payload for name, part in parts.items()}):
        row = parts[saving.HEAD].row
    count = _read_on(state, row)
    since = 0.0
    risk = _decoded(parts.get(_RISK), SavedRisk)
    if risk is not None:
        since = state.risk.load(risk)
    incidents = _decoded(parts.get(_INCIDENTS), SavedIncidents)
    if incidents is not None:
        state.incidents.load(incidents)
    state.signals.load(_decoded(parts.get(_SIGNALS), list[SavedModel]) or [])
    state.risk.restore(_passing(state, max(0.0, since - _ORDERS_BEFORE)))
    clean = _END in parts and parts[_END].payload == _CLEAN and not count
    if not clean:  # a counter that fell a little would be counted again as a whole (see `Quality.load`)
        for account in state.ledger.accounts.values():
            account.forget_counts()
    quality = _decoded(parts.get(_QUALITY), SavedQuality)
    if quality is not None:
        state.quality.load(quality, clean=clean)
    if row or count:
        seconds, known = time.monotonic() - started, len(state.ledger.known.identities)
        after = f"{count} records after the saved state one by one" if row else f"all its {count} records one by one"
        log.info("the journal has %d events; read in %.1f s, %s", known, seconds, after)


def _decoded(part: Part | None, kind: type[T]) -> T | None:
    """What was saved, unless it was not, or by a version that laid it out in another way: then it begins anew."""
    if part is None:
        return None
    try:
        return msgspec.msgpack.decode(part.payload, type=kind)
    except msgspec.DecodeError:
        return None


def _passing(state: State, since: float) -> Iterator[Record]:
    """The passing records from a time on; which orders ended is noted on the way, as their sources may tell it again.

    Incidents are as well. Not all are read, since in the time that they are kept there may be millions.
    """
    for records in state.log.passing(since):
        for record in records:
            if isinstance(record, Reported) and isinstance(record.event, Order):
                state.orders.ended_before(record.event)
            elif isinstance(record, Incident):
                state.incidents.take(record)
            yield record


def _read_on(state: State, row: int) -> int:
    """Take the records of the rows after ``row``; how many there were."""
    told, count = time.monotonic(), 0
    for number, records in state.log.lasting(row):
        for record in records:
            state.ledger.restore(record, number)
        count += len(records)
        if time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            log.info("reading the journal: row %d of %d", number, state.log.row)
    for _ in state.ledger.catch_up():
        pass
    return count


class Keeper:
    """Saves the state from time to time, compares it with what exchanges report, and does what is too long at once."""

    def __init__(self, state: State, interval: float) -> None:
        self._state = state
        self._interval = interval
        self._saved = time.monotonic()
        self._torn: set[BookKey] = set()  # books of which it was said
        self._unpriced: dict[str, float] = {}  # currencies that something waits for a rate of, and since when
        self._told: set[str] = set()  # those of which it was said

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            await self._work()

    async def _work(self) -> None:
        """Do each kind of work; one that fails keeps none of the others from being done, and is raised after them."""
        kinds: list[Callable[[], Awaitable[None]]] = [
            self._catch_up,
            self._reconcile,
            self._advance,
            self._estimate,
            self._save_in_time,
        ]
        faults: list[Exception] = []
        for kind in kinds:
            try:
                await kind()
            except Exception as fault:
                faults.append(fault)
        if faults:
            raise faults[0] if len(faults) == 1 else ExceptionGroup("several kinds of work failed", faults)

    async def _catch_up(self) -> None:
        await _in_slices(self._state.ledger.catch_up())
        self._tell_of_torn()
        self._tell_of_unpriced()

    async def _reconcile(self) -> None:
        await _in_slices(self._state.ledger.reconcile(self._state.clock()))

    async def _advance(self) -> None:
        await _in_slices(self._state.quality.advance(self._state.clock()))

    async def _estimate(self) -> None:
        if self._sample():
            await _in_slices(self._state.risk.work_out())

    async def _save_in_time(self) -> None:
        if time.monotonic() - self._saved >= self._interval:
            await self.save()

    def _tell_of_torn(self) -> None:
        """Say once of each book that its late fills have no place, and once that they do again."""
        torn = self._state.ledger.torn
        for key in torn.keys() - self._torn:
            log.error("a fill that came late is in no figure: %s", torn[key], extra={"book": "/".join(key)})
        for key in self._torn - torn.keys():
            log.info("the fills that came late are in their places", extra={"book": "/".join(key)})
        self._torn = set(torn)

    def _tell_of_unpriced(self) -> None:
        """Say once of each currency that fills wait for its rate, and once that none does any more."""
        now, missing = self._state.clock(), self._state.ledger.missing_rates()
        self._unpriced = {currency: self._unpriced.get(currency, now) for currency in missing}
        for currency in self._told - missing.keys():
            log.info("no fill waits for a rate of %s any more", currency)
        self._told &= missing.keys()
        for currency in sorted(name for name, since in self._unpriced.items() if now - since >= _RATE_PATIENCE):
            if currency not in self._told:
                log.warning(
                    "fills wait for a rate of %s: add a market of it to rate_symbols, or a peg to currency.pegs",
                    currency,
                )
                self._told.add(currency)

    def _sample(self) -> bool:
        """Note the PnL of this moment for the estimates of risk, if it is time; whether it was."""
        state = self._state
        is_due = state.risk.due(state.clock())
        if is_due:
            for sampled in state.risk.sample(state.ledger, state.clock()):
                with suppress(OverloadError):  # a sample may be missed
                    state.log.append(sampled)
        return is_due

    async def begin(self) -> None:
        """From now on what was saved may fall behind."""
        await self._keep([Part(_END, self._state.log.cut(), b"")])

    async def end(self) -> None:
        """Save for the last time; nothing may happen after it."""
        if await self.save():
            await self._keep([Part(_END, self._state.log.cut(), _CLEAN)])

    async def save(self) -> bool:
        """Save what changed since the last time; without a disk it is only said, False, and tried the next time."""
        self._saved = time.monotonic()
        ledger, row = self._state.ledger, self._state.log.cut()
        changed = saving.save(ledger)
        is_kept = False
        try:
            parts = [
                Part(_QUALITY, row, msgspec.msgpack.encode(self._state.quality.save())),
                Part(_RISK, row, msgspec.msgpack.encode(self._state.risk.save())),
                Part(_INCIDENTS, row, msgspec.msgpack.encode(self._state.incidents.save())),
                Part(_SIGNALS, row, msgspec.msgpack.encode(self._state.signals.save())),
            ]
            for name, part in changed.items():
                parts.append(Part(name, row, msgspec.msgpack.encode(part)))
                await asyncio.sleep(0)
            is_kept = await self._keep(parts)
        finally:  # also when cancelled in between: a later saving must not leave out what this one did not keep
            if is_kept:
                saving.saved(ledger, changed)
            else:
                saving.not_saved(ledger, changed)
        return is_kept

    async def _keep(self, parts: list[Part]) -> bool:
        try:
            await self._state.log.save(parts)
        except JournalError as error:
            log.warning("the state could not be saved", extra={"detail": str(error)})
            return False
        return True


async def _in_slices(work: Iterator[None]) -> None:
    """Do work that yields, with all else going on between."""
    for _ in work:
        await asyncio.sleep(0)
