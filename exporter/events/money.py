"""What happens to an account beside trading: funding, transfers, and what the exchange says that it holds."""

from __future__ import annotations

from decimal import Decimal

from exporter.events.base import (
    ONE,
    Currency,
    Event,
    Id,
    Name,
    check_finite,
    check_name,
    check_positive,
    check_symbol,
)


class Funding(Event, frozen=True, kw_only=True, gc=False, tag="funding"):
    """A funding payment of a perpetual contract, in ``currency``: positive when received, negative when paid.

    Its identity is (exchange, account, symbol, funding_id).
    """

    symbol: Name
    funding_id: Id
    currency: Currency
    amount: Decimal
    account: Name = "default"
    strategy: Name = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_symbol(self.symbol)
        check_finite("amount", self.amount)
        check_name("funding_id", self.funding_id, "without it a repeat cannot be told from a new payment")
        check_name("currency", self.currency, "name the currency of the payment")


class Transfer(Event, frozen=True, kw_only=True, gc=False, tag="transfer"):
    """Money that came into the account (positive) or left it (negative) other than by trading.

    Its identity is (exchange, account, transfer_id).
    """

    transfer_id: Id
    currency: Currency
    amount: Decimal
    account: Name = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_finite("amount", self.amount)
        check_name("transfer_id", self.transfer_id, "without it a repeat cannot be told from a new transfer")
        check_name("currency", self.currency, "name the currency of the transfer")


class Balance(Event, frozen=True, kw_only=True, gc=False, tag="balance"):
    """What the account holds of one currency at ``ts``, as the exchange says: ``total``, locked amounts included."""

    currency: Currency
    total: Decimal
    account: Name = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_finite("total", self.total)
        check_name("currency", self.currency, "name the currency of the balance")


class PositionReport(Event, frozen=True, kw_only=True, gc=False, tag="position"):
    """The position in a contract at ``ts``, as the exchange says: in contracts, negative when short."""

    symbol: Name
    quantity: Decimal
    contract_size: Decimal = ONE
    account: Name = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_symbol(self.symbol)
        check_finite("quantity", self.quantity)
        check_positive("contract_size", self.contract_size)
