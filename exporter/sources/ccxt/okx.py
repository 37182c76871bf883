"""What ccxt's ``okx`` leaves to be done; mixed in between our ears and ccxt's class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_MOST = 100  # orders or bills on a page


class Okx:
    """Overrides of methods of ccxt's ``okx``, hence the untyped supers.

    ccxt takes the equity of a currency as what the account holds, in which unrealised PnL is contained. Of the
    resting orders it reads one page. It cannot ask the ledger for one type of bills, since it takes ``type`` for that
    of an instrument, nor for those of a time; funding it reads for all contracts of a currency at once, of any time.
    """

    privateGetAccountBillsArchive: Callable[[Any], Any]  # noqa: N815 - ccxt's
    parse_ledger: Callable[..., Any]
    market: Callable[[str], Any]

    def parse_trading_balance(self, response: Any) -> Any:
        """Balances as ccxt reads them, but in cash."""
        accounts = [
            {**account, "details": [{**entry, "eq": entry.get("cashBal")} for entry in account.get("details") or []]}
            for account in response.get("data") or []
        ]
        return super().parse_trading_balance({**response, "data": accounts})  # type: ignore[misc]  # ccxt's class comes behind this one

    async def private_get_trade_orders_pending(self, params: Mapping[str, Any] = _NOTHING) -> Any:
        """All pages of the resting orders, of which the newest come first."""
        request = super().private_get_trade_orders_pending  # type: ignore[misc]  # as above
        answer = await request(dict(params))
        orders = {order["ordId"]: order for order in answer["data"]}
        page = answer["data"]
        while len(page) >= _MOST:
            page = (await request({**params, "after": page[-1]["ordId"]}))["data"]
            if all(order["ordId"] in orders for order in page):
                break
            orders.update({order["ordId"]: order for order in page})
        return {**answer, "data": list(orders.values())}

    async def fetch_ledger(
        self, code: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
    ) -> Any:
        """The ledger as ccxt reads it; with ``bill``, the bills of that type in the last three months."""
        if "bill" not in params:
            return await super().fetch_ledger(code, since, limit, dict(params))  # type: ignore[misc]  # as above
        request = {"type": params["bill"], "limit": limit or _MOST, **_times(since, params.get("until"))}
        answer = await self.privateGetAccountBillsArchive(request)
        return self.parse_ledger(answer["data"], None, since)

    async def fetch_funding_history(
        self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
    ) -> Any:
        """Funding as ccxt reads it, but of the contract and the time that are asked for."""
        rest = {key: value for key, value in params.items() if key != "until"} | _times(since, params.get("until"))
        if symbol is not None:
            rest["instId"] = self.market(symbol)["id"]
        return await super().fetch_funding_history(symbol, since, limit, rest)  # type: ignore[misc]  # as above


def _times(since: int | None, until: int | None) -> dict[str, int]:
    times = {"begin": since, "end": until}
    return {name: time for name, time in times.items() if time is not None}
