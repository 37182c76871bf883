"""What ccxt's ``bybit`` leaves to be done; mixed in between our ears and ccxt's class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ccxt.base.errors import OrderNotFound
from ccxt.base.precise import Precise

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_MOST = 50  # orders on a page


class Bybit:
    """Overrides of methods of ccxt's ``bybit``, hence the untyped supers.

    Of the resting orders, ccxt reads one page. It looks up one order only when told that it knows how far back that
    goes. Funding is on record as a fee, which ccxt takes for income, in USDT whatever the contract settles in. The
    ledger is read for a day from a time on, and ccxt has no end for it. Methods of one request have the name that
    ccxt makes its own spelling of.
    """

    parse_number: Callable[[Any], Any]
    fetch_closed_order: Callable[..., Any]

    def describe(self) -> Any:
        """ccxt's description; that single orders may be old is known."""
        return super().deep_extend(  # type: ignore[misc]  # ccxt's class comes behind this one
            super().describe(),  # type: ignore[misc]  # as above
            {"options": {"fetchOrder": {"acknowledged": True}}},
        )

    async def private_get_v5_order_realtime(self, params: Mapping[str, Any] = _NOTHING) -> Any:
        """All pages of the resting orders, or the one that is asked for."""
        request = super().private_get_v5_order_realtime  # type: ignore[misc]  # as above
        answer = await request({"limit": _MOST, **params})
        result = answer["result"]
        known = {order["orderId"] for order in result["list"]}
        while result.get("nextPageCursor") and "orderId" not in params:
            page = (await request({"limit": _MOST, **params, "cursor": result["nextPageCursor"]}))["result"]
            new = [order for order in page["list"] if order["orderId"] not in known]
            if not new:
                break
            known.update(order["orderId"] for order in new)
            result = {**page, "list": [*result["list"], *new]}
        return {**answer, "result": result}

    async def fetch_order(self, id: str, symbol: str | None = None, params: Mapping[str, Any] = _NOTHING) -> Any:  # noqa: A002 - ccxt's
        """An order that rests or has ended lately, else from the record of orders, which goes back for two years."""
        try:
            return await super().fetch_order(id, symbol, dict(params))  # type: ignore[misc]  # as above
        except OrderNotFound:
            return await self.fetch_closed_order(id, symbol, dict(params))

    async def fetch_ledger(
        self, code: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
    ) -> Any:
        """The ledger as ccxt reads it, and if asked, until a time."""
        rest = {key: value for key, value in params.items() if key != "until"}
        if "until" in params:
            rest["endTime"] = params["until"]
        return await super().fetch_ledger(code, since, limit, rest)  # type: ignore[misc]  # as above

    def parse_income(self, income: Any, market: Any = None) -> Any:
        """A funding payment: what the exchange calls a fee is income when it is negative.

        The amount is taken from the exchange's own words, not from what ccxt makes of them now.
        """
        parsed = super().parse_income(income, market)  # type: ignore[misc]  # as above
        if income.get("execFee"):
            parsed["amount"] = self.parse_number(Precise.string_neg(income["execFee"]))
        if market is not None and market.get("settle"):
            parsed["code"] = market["settle"]
        return parsed
