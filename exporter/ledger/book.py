"""One book: the fills and funding of an account, symbol and strategy, and what they come to."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice

import msgspec
from msgspec.structs import replace

from exporter.errors import JournalError
from exporter.events import ONE, ZERO, BookKey, Fee, Fill, Liquidity, Side
from exporter.journal.records import Paid, Record, Revalued, Valued, identity
from exporter.ledger.account import Account
from exporter.ledger.currency import MidHistory, Rate, Rates
from exporter.ledger.identities import Scope
from exporter.ledger.instrument import instrument
from exporter.ledger.position import CostBasis
from exporter.ledger.running import Order, Running, Step, order
from exporter.ledger.timeline import SavedTimeline, Timeline

_SLICE = 256
_BATCH = 32  # fresh fills; so few that whoever asks for what all come to does not wait

Split = tuple[Side, Liquidity]


class SplitSums(msgspec.Struct, gc=False):
    """Fills of one side and liquidity: how many, and their volume in USD."""

    count: int = 0
    volume_usd: Decimal = ZERO


class Sums(msgspec.Struct):
    """What does not depend on the order of fills.

    ``splits`` are the fills by side and liquidity; ``spread_usd`` is the spread captured; ``cash`` what was received
    for units less what was paid, in the settlement currency; ``fee_amounts`` and ``funding_amounts`` are in the
    currencies that they were paid in; ``approximate`` counts fills for whose own time a mid or a rate was not known,
    so that the nearest stands in.
    """

    splits: dict[Split, SplitSums] = {}
    spread_usd: Decimal = ZERO
    cash: Decimal = ZERO
    fees_usd: Decimal = ZERO
    rebates_usd: Decimal = ZERO
    fee_amounts: dict[str, Decimal] = {}
    funding_usd: Decimal = ZERO
    funding_amounts: dict[str, Decimal] = {}
    approximate: int = 0


class SavedBook(msgspec.Struct, frozen=True, array_like=True):
    """A `Book` to be kept and restored."""

    key: BookKey
    basis: CostBasis
    sums: bytes  # encoded at once, since it goes on changing
    timeline: SavedTimeline
    waiting: list[Valued | Paid]


class Book:
    """Position and PnL of one `BookKey`, independent of the order in which its fills arrive."""

    def __init__(
        self, key: BookKey, account: Account, scope: Callable[..., Scope], basis: CostBasis, chunk: int = 256
    ) -> None:
        self.key = key
        self.account = account
        self.basis: CostBasis = basis
        self.instrument = instrument(key.symbol)
        self.trades = scope(key.exchange, key.account, key.symbol, "trade")
        self.payments = scope(key.exchange, key.account, key.symbol, "funding")
        self._sums = Sums()
        self._timeline = Timeline(basis, chunk)
        self._fresh: list[Valued] = []  # the newest fills, in neither of these yet
        self._is_sorted = True  # whether they stand in their order, and after all others
        self._newest, self._newest_id = 0.0, ""  # time and trade id of the last fill in order
        self._waiting: dict[str, Valued | Paid] = {}
        self._lacking: Counter[tuple[str, ...]] = Counter()  # those by the currencies whose rates they may lack
        self._meanwhile: list[Step] | None = None  # steps that came while older ones were being read again
        self._mids: MidHistory | None = None
        self._peg: Rate | None = None
        self.changed = False  # since it was last saved
        self.is_torn = False  # a late fill has no place, since the journal cannot be read again there

    @property
    def sums(self) -> Sums:
        """What does not depend on the order of fills, of all of them."""
        self._account()
        return self._sums

    @property
    def timeline(self) -> Timeline:
        """All fills in their order."""
        self._account()
        return self._timeline

    @property
    def running(self) -> Running:
        """Position and what depends on the order of fills, after all of them."""
        return self.timeline.now

    @property
    def base(self) -> Decimal | None:
        """The position in the base currency, negative when short; an inverse contract's at its entry price.

        None while a fill is not in it.
        """
        if self.is_torn:
            return None
        held = self.running.position
        return self.instrument.base_amount(held.quantity, held.cost / held.quantity) if held.quantity else ZERO

    @property
    def average_price(self) -> Decimal | None:
        """The average entry price in the quote currency; None when flat, and while a fill is not in it."""
        held = self.running.position
        if self.is_torn or not held.quantity:
            return None
        worth = held.cost / held.quantity
        return -1 / worth if self.instrument.kind == "inverse" else worth

    @property
    def is_complete(self) -> bool:
        """Whether everything could be converted."""
        return not self._waiting

    def held(self, currency: str) -> Decimal:
        """By how much the events of this book changed what the account holds of a currency."""
        market, sums = self.instrument, self.sums
        held = sums.funding_amounts.get(currency, ZERO)
        if market.kind != "spot":
            held += self.running.booked if currency == market.settle else ZERO
        elif currency == market.base:
            return held + self.running.position.quantity  # which fees were taken out of already
        elif currency == market.settle:
            held += sums.cash
        return held - sums.fee_amounts.get(currency, ZERO)

    def booked(self, currency: str, since: float) -> list[tuple[float, Decimal]] | None:
        """What contracts realised in a currency since a time; None where that is not known (see `Timeline.booked`)."""
        if self.is_torn:
            return None
        if self.instrument.kind == "spot" or self.instrument.settle != currency:
            return []
        return self.timeline.booked(since)

    def missing(self, rates: Rates) -> Iterator[tuple[str, int]]:
        """The currencies whose rate is lacking, and how many things wait for each."""
        for currencies, count in self._lacking.items():
            lacking = (currency for currency in currencies if not rates.are_known(currency))
            yield next(lacking, self.instrument.settle), count

    def _wait(self, waiting: Valued | Paid) -> None:
        self._waiting[identity(waiting)] = waiting
        self._lacking[self._may_lack(waiting)] += 1

    def _wait_no_longer(self, identity: str) -> Valued | Paid | None:
        waiting = self._waiting.pop(identity, None)
        if waiting is not None:
            self._lacking[self._may_lack(waiting)] -= 1
        return waiting

    def _may_lack(self, waiting: Valued | Paid) -> tuple[str, ...]:
        """The currencies of which one has no rate."""
        if isinstance(waiting, Paid):
            return (waiting.funding.currency,)
        if waiting.rate is None:
            return (self.instrument.settle,)
        return tuple(fee.currency for fee in waiting.fill.fees if not self._is_priced(fee.currency))

    def _is_priced(self, currency: str) -> bool:
        """Whether a fill that has a rate tells the worth of this currency itself."""
        market = self.instrument
        return currency == market.settle or (currency == market.base and market.kind == "spot")

    # Valuing: an event with the prices of its time becomes a record.

    def value(self, fill: Fill, rates: Rates) -> Valued:
        """The fill with the prices at its time, as far as they are known."""
        if self._mids is None:
            self._mids, self._peg = rates.history(fill.exchange, fill.symbol), rates.peg(self.instrument.settle)
        known = self._mids.at(fill.ts) if self._mids is not None else None
        mid, exact = known or (fill.price, False)
        rate = self._peg or rates.usd_at(self.instrument.settle, fill.exchange, fill.ts)
        if rate is None:
            return self._with_fees(Valued(fill, mid, None, None, exact), rates)
        usd, is_rate_exact = rate
        exact, fee = exact and is_rate_exact, fill.fee
        if fee is None:
            return Valued(fill, mid, usd, (), exact)
        if isinstance(fee, Fee) and fee.currency == self.instrument.settle:
            return Valued(fill, mid, usd, (usd,), exact)
        return self._with_fees(Valued(fill, mid, usd, None, exact), rates)

    def _with_fees(self, valued: Valued, rates: Rates) -> Valued:
        fill = valued.fill
        found = [self._fee_rate(fee.currency, valued, rates) for fee in fill.fees]
        known = [rate for rate in found if rate is not None]
        if len(known) < len(found):
            return valued
        exact = valued.exact and all(rate.exact for rate in known)
        return Valued(fill, valued.mid, valued.rate, tuple(rate.value for rate in known), exact)

    def _fee_rate(self, currency: str, valued: Valued, rates: Rates) -> Rate | None:
        if not self._is_priced(currency):
            return rates.usd_at(currency, valued.fill.exchange, valued.fill.ts)
        if valued.rate is None:
            return None
        # The base currency leaves the position at the mid.
        return Rate(valued.rate if currency == self.instrument.settle else valued.mid * valued.rate)

    # Taking records, new ones and those that the journal kept.

    def add(self, valued: Valued) -> bool:
        """Account for a fill; True when it came late, after a fill with a later time."""
        self.changed = True
        fill = valued.fill
        if valued.rate is None or valued.fee_rates is None:
            self._wait(valued)
        elif not valued.exact:
            self._sums.approximate += 1
        is_last = fill.ts > self._newest or self._follows(fill)
        if is_last:
            self._newest, self._newest_id = fill.ts, fill.trade_id
        else:
            self._is_sorted = False
        self._fresh.append(valued)
        if len(self._fresh) >= _BATCH or self._meanwhile is not None:
            self._account()
        return not is_last and fill.ts < self._newest

    def _follows(self, fill: Fill) -> bool:
        """Whether a fill of the time of the newest one comes after it."""
        ts, identity = fill.ts, fill.trade_id
        return (ts, len(identity), identity) > (self._newest, len(self._newest_id), self._newest_id)

    def _note_newest(self) -> None:
        last = self._timeline.last
        self._newest, _, self._newest_id = last or (0.0, 0, "")

    def _account(self) -> None:
        """Account for the fresh fills."""
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, []
        steps = self._steps(fresh)
        if self._meanwhile is not None:
            self._meanwhile += steps
        if self._is_sorted:
            self._timeline.extend(steps)
        else:
            self._timeline.put(sorted(steps, key=order))
            self._is_sorted = True

    def _steps(self, fills: list[Valued]) -> list[Step]:
        """Add fills to the sums; gives their steps."""
        steps: list[Step] = []
        while len(steps) < len(fills):
            self._add_alike(fills, steps)
        return steps

    def _add_alike(self, fills: list[Valued], steps: list[Step]) -> None:
        """Do so from where the steps end, as long as fills have the same prices and liquidity.

        Many in one loop since each call counts; and what is the same is multiplied once, with their sum.
        """
        first = fills[len(steps)]
        mid, rate, liquidity = first.mid, first.rate, first.fill.liquidity
        market, worth = self.instrument, self.instrument.worth(mid)
        settle, is_inverse = market.settle, market.kind == "inverse"
        buys = sells = 0
        bought = sold = spent = earned = fees = rebates = ZERO  # units, their worth, and fees in its currency
        has_fees = False
        for valued in islice(fills, len(steps), None):
            fill = valued.fill
            if (
                (valued.mid is not mid and valued.mid != mid)
                or (valued.rate is not rate and valued.rate != rate)
                or fill.liquidity != liquidity
            ):
                break
            quantity, price, fee, taken = fill.quantity, fill.price, fill.fee, ZERO
            if fill.contract_size is not ONE:
                quantity *= fill.contract_size
            if is_inverse:
                price = market.worth(price)
            paid = quantity * price
            if fill.side == "buy":
                buys += 1
                bought += quantity
                spent += paid
            else:
                sells += 1
                sold += quantity
                earned += paid
                quantity = -quantity
            if isinstance(fee, Fee) and fee.currency == settle and rate is not None:
                has_fees = True
                if fee.amount >= ZERO:
                    fees += fee.amount
                else:
                    rebates -= fee.amount
            elif fee is not None:
                taken = self._add_other_fees(valued)
            steps.append(Step(fill.ts, fill.trade_id, quantity, price, worth, rate, taken))
        sums, paid = self._sums, spent - earned
        sums.cash -= paid
        if rate is not None:
            sums.spread_usd += ((bought - sold) * worth - paid) * rate
            sums.fees_usd += fees * rate
            sums.rebates_usd += rebates * rate
        if has_fees:
            sums.fee_amounts[market.settle] = sums.fee_amounts.get(market.settle, ZERO) + fees - rebates
        self._add_split("buy", liquidity, buys, spent, rate)
        self._add_split("sell", liquidity, sells, earned, rate)

    def _add_split(self, side: Side, liquidity: Liquidity, count: int, paid: Decimal, rate: Decimal | None) -> None:
        if not count:
            return
        split = self._sums.splits.get((side, liquidity))
        if split is None:
            split = self._sums.splits[side, liquidity] = SplitSums()
        split.count += count
        if rate is not None:
            split.volume_usd += abs(paid) * rate

    def _add_other_fees(self, valued: Valued) -> Decimal:
        """Account for fees of whatever currencies; the units that they take out of the position."""
        fees, amounts = valued.fill.fees, self._sums.fee_amounts
        for fee in fees:
            amounts[fee.currency] = amounts.get(fee.currency, ZERO) + fee.amount
        if valued.fee_rates is not None:
            self._add_fees(fees, valued.fee_rates)
        return self._taken(fees)

    def pay(self, paid: Paid) -> None:
        """Account for a funding payment."""
        self.changed = True
        payment, sums = paid.funding, self._sums
        amounts = sums.funding_amounts
        amounts[payment.currency] = amounts.get(payment.currency, ZERO) + payment.amount
        if paid.rate is None:
            self._wait(paid)
        else:
            sums.funding_usd += payment.amount * paid.rate
            sums.approximate += not paid.exact

    def retry(self, rates: Rates) -> Iterator[Revalued | None]:
        """For each thing that waits for a rate what it comes to now, which has to be handed to `revalue`, or None."""
        for known_by, waiting in list(self._waiting.items()):
            is_waiting = self._waiting.get(known_by) is waiting  # unless another retry was quicker
            yield self._revalued(waiting, rates) if is_waiting else None

    def revalue(self, revalued: Revalued) -> None:
        """Account for a rate that was not known when the fill or payment was."""
        self.changed = True
        self._account()
        waiting = self._wait_no_longer(revalued.identity)
        if isinstance(waiting, Paid):
            self._sums.funding_usd += waiting.funding.amount * revalued.rate
        elif waiting is not None:
            self._revalue_fill(waiting, revalued)
        self._sums.approximate += waiting is not None and revalued.fee_rates is not None and not revalued.exact

    def _revalued(self, waiting: Valued | Paid, rates: Rates) -> Revalued | None:
        key = self.key
        if isinstance(waiting, Paid):
            payment = waiting.funding
            rate = rates.usd_at(payment.currency, payment.exchange, payment.ts)
            if rate is None:
                return None
            return Revalued(*key[:3], identity(waiting), ONE, rate.value, (), rate.exact)
        fill = waiting.fill
        better = self._with_fees(waiting, rates) if waiting.rate is not None else self._with_rate(waiting, rates)
        if better.rate is None or (better.rate == waiting.rate and better.fee_rates is None):
            return None
        return Revalued(*key[:3], fill.trade_id, better.mid, better.rate, better.fee_rates, better.exact)

    def _with_rate(self, waiting: Valued, rates: Rates) -> Valued:
        """The fill with its rate, at the mid that was known for its time, if any was: after a restart none is."""
        fill = waiting.fill
        rate = rates.usd_at(self.instrument.settle, fill.exchange, fill.ts) if waiting.exact else None
        if rate is None:
            return self.value(fill, rates)
        return self._with_fees(Valued(fill, waiting.mid, rate.value, None, rate.exact), rates)

    def _revalue_fill(self, waiting: Valued, revalued: Revalued) -> None:
        fill, known = waiting.fill, waiting.fee_rates  # which were accounted for already
        fee_rates = revalued.fee_rates if known is None else known
        valued = Valued(fill, revalued.mid, revalued.rate, fee_rates, revalued.exact)
        if waiting.rate is None:
            step, rate = self._step(valued), revalued.rate
            paid = step.quantity * step.price
            self._sums.splits[fill.side, fill.liquidity].volume_usd += abs(paid) * rate
            self._sums.spread_usd += (step.quantity * step.mid - paid) * rate
            self._timeline.replace(step)
            if self._meanwhile is not None:
                self._meanwhile.append(step)
        if fee_rates is None:
            self._wait(valued)
        elif known is None:
            self._add_fees(fill.fees, fee_rates)

    def _step(self, valued: Valued) -> Step:
        fill, market = valued.fill, self.instrument
        quantity = fill.quantity * fill.contract_size
        signed = quantity if fill.side == "buy" else -quantity
        price, mid = market.worth(fill.price), market.worth(valued.mid)
        return Step(fill.ts, fill.trade_id, signed, price, mid, valued.rate, self._taken(fill.fees))

    def _taken(self, fees: tuple[Fee, ...]) -> Decimal:
        """The units that fees take out of the position."""
        if self.instrument.kind != "spot":
            return ZERO
        return sum((fee.amount for fee in fees if fee.currency == self.instrument.base), ZERO)

    def _add_fees(self, fees: tuple[Fee, ...], rates: tuple[Decimal, ...]) -> None:
        sums = self._sums
        for fee, rate in zip(fees, rates, strict=True):
            if fee.amount >= ZERO:
                sums.fees_usd += fee.amount * rate
            else:
                sums.rebates_usd -= fee.amount * rate

    # Reading again what is not in memory any more.

    def read_again(self, rows: Callable[[float], Iterator[list[Record]]]) -> Iterator[None]:
        """Make the timeline anew from the journal when a fill came whose place is not in memory any more.

        ``rows`` gives the records of fills from a time on. It works in slices and yields between them; fills that
        arrive meanwhile find their places at the end. Until then the figures are without the fill that came late.
        `JournalError` when the journal cannot be read there; then the book is torn, until a later try comes through.
        """
        try:
            yield from self._read_again(rows)
        except JournalError:
            self._meanwhile, self.is_torn = None, True
            raise
        self.is_torn = False

    def _read_again(self, rows: Callable[[float], Iterator[list[Record]]]) -> Iterator[None]:
        timeline, meanwhile = self.timeline.again(), self._meanwhile or []
        self._meanwhile = meanwhile
        steps: dict[str, Step] = {}
        places: list[list[Order]] = []  # of each row; to put all in order at once would take too long
        for records in rows(timeline.begins[0] if timeline.begins else 0.0):
            places.append(sorted(self._collect(records, steps, timeline.begins)))
            yield
        merged = len(meanwhile)
        places.append(sorted({order(step) for step in meanwhile if step.identity not in steps}))
        steps.update((step.identity, step) for step in meanwhile)
        for number, (_, _, trade_id) in enumerate(heapq.merge(*places)):
            timeline.put([steps[trade_id]])
            if number % _SLICE == _SLICE - 1:
                yield
        for step in meanwhile[merged:]:
            if step.identity in steps:
                timeline.replace(step)
            else:
                timeline.put([step])
            steps[step.identity] = step
        self._timeline, self._meanwhile = timeline, None
        self._note_newest()
        self.changed = True

    def _collect(self, records: list[Record], steps: dict[str, Step], begins: Order | None) -> list[Order]:
        """Put the steps of this book that follow ``begins`` into ``steps`` by their identity; their places."""
        places: list[Order] = []
        for record in records:
            if isinstance(record, Valued):
                fill = record.fill
                if (fill.exchange, fill.account, fill.symbol, fill.strategy) == self.key:
                    step = self._step(record)
                    if begins is None or order(step) > begins:
                        steps[step.identity] = step
                        places.append(order(step))
            elif isinstance(record, Revalued) and (record.exchange, record.account, record.symbol) == self.key[:3]:
                lacking = steps.get(record.identity)
                if lacking is not None:
                    mid = self.instrument.worth(record.mid)
                    steps[record.identity] = replace(lacking, mid=mid, rate=record.rate)
        return places

    # Keeping state.

    def save(self) -> SavedBook:
        """All of it as a value."""
        sums = msgspec.msgpack.encode(self.sums)
        return SavedBook(self.key, self.basis, sums, self.timeline.save(), list(self._waiting.values()))

    @classmethod
    def restore(cls, saved: SavedBook, account: Account, scope: Callable[..., Scope]) -> Book:
        """The one that was saved."""
        self = cls(saved.key, account, scope, saved.basis)
        self._sums = _decoder.decode(saved.sums)
        self._timeline = Timeline.restore(saved.timeline, saved.basis)
        self._note_newest()
        for each in saved.waiting:
            self._wait(each)
        return self


_decoder = msgspec.msgpack.Decoder(Sums)
