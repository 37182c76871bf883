"""The PnL of all books together, or what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.events import BookKey
from exporter.ledger.ledger import Ledger

_FEW = 10  # books whose results are worked out at once


class TotalPnl:
    """``usd`` is not known while that of one book is not; ``why`` says what the first such book lacks."""

    def __init__(self) -> None:
        self.usd: float | None = None
        self.why = "nothing was traded yet"

    def read(self, ledger: Ledger, now: float) -> Iterator[None]:
        """Add all books up, in slices."""
        total, lacking = 0.0, list[BookKey]()
        for number, key in enumerate(list(ledger.books), start=1):
            result = ledger.figures(key, now).total
            if result is None:
                lacking.append(key)
            else:
                total += float(result)
            if number % _FEW == 0:
                yield
        if lacking:
            self.why = lack(ledger, lacking[0], now)
        self.usd = total if ledger.books and not lacking else None


def lack(ledger: Ledger, key: BookKey, now: float) -> str:
    """What keeps the PnL of a book from being known."""
    book = ledger.books[key]
    currency, place = book.instrument.settle, f"{key.symbol} on {key.exchange}"
    if book.is_torn:
        return f"a late fill of {place} has no place in its book; the log says why"
    if ledger.rates.usd(currency, key.exchange, now) is None:
        return (
            f"{currency} has no rate in USD now; watch a market of it (rate_symbols), or give it a peg (currency.pegs)"
        )
    if book.running.position.quantity and ledger.rates.mid(key.exchange, key.symbol, now) is None:
        return f"{place} has no price now; it needs an entry of exchanges that watches it and is answered"
    return f"fills of {place} wait for a rate; trading_currency_rate_missing says of which currency"
