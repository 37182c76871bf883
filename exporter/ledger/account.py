"""What belongs to an account as a whole: transfers, and what became of its events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter

import msgspec

from exporter.events import ONE, ZERO
from exporter.journal.records import Moved, Revalued
from exporter.ledger.currency import Rates
from exporter.ledger.reconcile import TOLERANCE, Changes, Check, Flow, currency_change, realizes

AccountKey = tuple[str, str]

MOST_FLOWS = 8192
"""From so many on, half of `Account.flows` is let go."""


class SavedAccount(msgspec.Struct, frozen=True, array_like=True):
    """An `Account` to be kept and restored."""

    exchange: str
    account: str
    duplicates: int
    conflicts: int
    late: int
    transfers: dict[str, Decimal]
    transfers_usd: Decimal
    waiting: list[Moved]
    openings: dict[str, tuple[Decimal, float]]


class Account:
    """One (exchange, account).

    ``transfers`` are the sums of deposits less withdrawals by currency, ``transfers_usd`` their worth at the time
    of each, without those of ``waiting`` whose rate is not known yet; ``flows`` the newest changes of what it holds;
    ``forgotten`` is the time of the newest that was let go of these; ``lacking`` the number of those that wait, by
    currency; ``balances`` and ``positions`` what the exchange says, by currency and by symbol of a contract.
    ``opened_until`` is the time before which an event may have been in a balance that an opening was told from.
    """

    def __init__(self) -> None:
        self.duplicates = 0
        self.conflicts = 0
        self.late = 0
        self.transfers: dict[str, Decimal] = {}
        self.transfers_usd = ZERO
        self.waiting: dict[str, Moved] = {}
        self.lacking: Counter[str] = Counter()
        self.flows: list[Flow] = []
        self.forgotten = 0.0
        self.opened_until = 0.0
        self.balances: defaultdict[str, Check] = defaultdict(Check)
        self.positions: defaultdict[str, Check] = defaultdict(lambda: Check(opening=ZERO))

    def flow(self, event: Flow) -> None:
        """Note a change of what the account holds."""
        self.flows.append(event)
        if len(self.flows) >= MOST_FLOWS:
            self.forget_flows()
        if event.ts <= self.opened_until:
            self.correct(event)

    def forget_flows(self) -> None:
        """Let go of the older half of the flows, by their own times: what is backfilled comes last, and is oldest."""
        self.flows.sort(key=attrgetter("ts"))
        self.forgotten = max(self.forgotten, self.flows[MOST_FLOWS // 2 - 1].ts)
        del self.flows[: MOST_FLOWS // 2]

    def forget_counts(self) -> None:
        """Begin to count anew."""
        self.duplicates = self.conflicts = self.late = 0

    def correct(self, event: Flow) -> None:
        """Take into account that balances may have known already of an event that came late."""
        for currency, check in self.balances.items():
            check.correct(event.ts, None if realizes(event, currency) else currency_change(event, currency))

    def open(self, currency: str, amount: Decimal, ts: float) -> None:
        """What was there of a currency before the books begin, as a balance of ``ts`` told."""
        check = self.balances[currency]
        check.opening, check.opened = amount, ts
        self.note_report(ts)

    def note_report(self, ts: float) -> None:
        """An opening was told, or may be, from a balance of this time."""
        self.opened_until = max(self.opened_until, ts + TOLERANCE)

    def move(self, moved: Moved) -> None:
        """Account for a transfer."""
        transfer = moved.transfer
        self.transfers[transfer.currency] = self.transfers.get(transfer.currency, ZERO) + transfer.amount
        if moved.rate is None:
            self.waiting[transfer.transfer_id] = moved
            self.lacking[transfer.currency] += 1
        else:
            self.transfers_usd += transfer.amount * moved.rate
        self.flow(transfer)

    def retry(self, key: AccountKey, rates: Rates) -> list[Revalued]:
        """The transfers that can be converted now; they have to be handed to `revalue`."""
        found = []
        for identity, moved in self.waiting.items():
            rate = rates.usd_at(moved.transfer.currency, key[0], moved.transfer.ts)
            if rate is not None:
                found.append(Revalued(*key, "", identity, ONE, rate.value, (), rate.exact))
        return found

    def revalue(self, revalued: Revalued) -> None:
        """Account for the rate of a transfer that was not known when it was."""
        moved = self.waiting.pop(revalued.identity, None)
        if moved is not None:
            self.lacking[moved.transfer.currency] -= 1
            self.transfers_usd += moved.transfer.amount * revalued.rate

    def changes(self, change: Callable[[Flow], Decimal], since: float) -> Changes | None:
        """The changes of something that the account holds since shortly before ``since``; None when some are forgotten.

        ``change`` says what an event changed.
        """
        begin = since - TOLERANCE
        if self.forgotten > begin:
            return None
        return [(event.ts, amount) for event in self.flows if event.ts > begin and (amount := change(event))]

    def save(self, key: AccountKey) -> SavedAccount:
        """All of it as a value."""
        counts = (self.duplicates, self.conflicts, self.late)
        checks = self.balances.items()
        openings = {name: (check.opening, check.opened) for name, check in checks if check.opening is not None}
        transfers, waiting = self.transfers.copy(), list(self.waiting.values())
        return SavedAccount(*key, *counts, transfers, self.transfers_usd, waiting, openings)

    @classmethod
    def restore(cls, saved: SavedAccount) -> Account:
        """The one that was saved."""
        self = cls()
        self.duplicates, self.conflicts, self.late = saved.duplicates, saved.conflicts, saved.late
        self.transfers, self.transfers_usd = saved.transfers, saved.transfers_usd
        self.waiting = {moved.transfer.transfer_id: moved for moved in saved.waiting}
        self.lacking = Counter(moved.transfer.currency for moved in saved.waiting)
        for currency, (amount, ts) in saved.openings.items():
            self.open(currency, amount, ts)
        return self
