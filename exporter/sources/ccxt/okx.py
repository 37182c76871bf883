"""What ccxt's ``okx`` leaves to be done; mixed in between our ears and ccxt's class."""

from __future__ import annotations

from typing import Any


class Okx:
    """Overrides of methods of ccxt's ``okx``, hence the untyped supers.

    ccxt takes the equity of a currency as what the account holds, in which unrealised PnL is contained.
    """

    def parse_trading_balance(self, response: Any) -> Any:
        """Balances as ccxt reads them, but in cash."""
        accounts = [
            {**account, "details": [{**entry, "eq": entry.get("cashBal")} for entry in account.get("details") or []]}
            for account in response.get("data") or []
        ]
        return super().parse_trading_balance({**response, "data": accounts})  # type: ignore[misc]  # ccxt's class comes behind this one
