"""What the bot says that its account holds → balances, and positions in contracts."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from exporter.errors import EventError
from exporter.events import ZERO, Balance, PositionReport
from exporter.intake import Intake
from exporter.sources.freqtrade.convert import Labels
from exporter.sources.freqtrade.record import SOURCE
from exporter.state.state import State


class HoldingRow(msgspec.Struct, gc=False):
    """A currency, or with ``is_position`` a contract by its pair."""

    currency: str
    balance: Decimal = ZERO
    position: Decimal = ZERO
    side: str = "long"
    is_position: bool = False


class Holdings:
    """Reports each currency and contract; one that is not named any more is reported as gone, once."""

    def __init__(self, labels: Labels, state: State, intake: Intake) -> None:
        self._labels = labels
        self._state = state
        self._intake = intake
        self._held: set[tuple[str, bool]] = set()

    def take(self, raw: msgspec.Raw) -> None:
        """Take the list of the page; `EventError` when it is none."""
        try:
            rows = msgspec.json.decode(raw, type=list[HoldingRow])
        except msgspec.MsgspecError as error:
            raise EventError("balance", f"the bot's balances cannot be read: {error}") from None
        now = self._state.clock()
        gone = self._held - {(row.currency, row.is_position) for row in rows}
        rows += [HoldingRow(currency, is_position=is_position) for currency, is_position in sorted(gone)]
        self._held = {(row.currency, row.is_position) for row in rows} - gone
        for row in rows:
            try:
                event = self._event(row, now)
            except EventError as error:
                self._intake.reject(error, SOURCE)
            else:
                self._intake.accept(event, SOURCE)

    def _event(self, row: HoldingRow, now: float) -> Balance | PositionReport:
        exchange, account = self._labels.exchange, self._labels.account
        if not row.is_position:
            return Balance(exchange=exchange, account=account, currency=row.currency, total=row.balance, ts=now)
        quantity = -abs(row.position) if row.side == "short" else abs(row.position)
        return PositionReport(exchange=exchange, account=account, symbol=row.currency, quantity=quantity, ts=now)
