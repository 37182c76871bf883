"""What ccxt's ``binance`` classes leave to be done; mixed in between our ears and ccxt's class."""

from __future__ import annotations

from typing import Any


class Binance:
    """Overrides of methods of ccxt's ``binance``, hence the untyped supers.

    ccxt takes the margin balance of a futures wallet as what it holds, in which unrealised PnL is contained.
    """

    def parse_balance_custom(self, response: Any, type: Any = None, *rest: Any, **named: Any) -> Any:  # noqa: A002 - ccxt's
        """Balances as ccxt reads them, but of wallets without unrealised PnL."""
        if named.get("isPortfolioMargin") or rest[1:] == (True,):
            nothing = {"umUnrealizedPNL": "0", "cmUnrealizedPNL": "0"}
            response = [{**entry, **nothing} for entry in response]
        elif isinstance(response, dict) and type in ("linear", "inverse"):
            assets = response.get("assets") or []
            wallets = [{**asset, "marginBalance": asset.get("walletBalance")} for asset in assets]
            response = {**response, "assets": wallets}
        return super().parse_balance_custom(response, type, *rest, **named)  # type: ignore[misc]  # ccxt's class comes behind this one
