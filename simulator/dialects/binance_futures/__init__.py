"""Binance futures: perpetual contracts settled in dollars or in coins."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from simulator.dialects.binance import UNUSED_APIS, UNUSED_URL
from simulator.dialects.binance.speaker import BinanceSpeaker
from simulator.dialects.binance_futures.rest import WEIGHT_LIMIT, endpoints
from simulator.dialects.binance_futures.stream import INVERSE_ROUTE, LINEAR_PRIVATE, FuturesStreams
from simulator.dialects.binance_futures.words import REFUSALS
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.instruments import Instrument
from simulator.web.credentials import Credentials
from simulator.web.dialect import Speaker
from simulator.web.venue import Venue

_DOLLARS = {"BTC": Decimal(100)}
"""The size of an inverse contract where it is not 10."""
_OPTIONS = {"fetchCurrencies": False, "fetchMargins": False}


class BinanceUsdm:
    """Contracts settled in dollars, as ccxt's ``binanceusdm`` speaks it."""

    ccxt_id = "binanceusdm"
    private_route = LINEAR_PRIVATE
    fees = FeeSchedule(Decimal("0.0002"), Decimal("0.0004"))

    def listed(self, instruments: Sequence[Instrument]) -> list[Instrument]:
        """Return a linear contract for each market in USDT."""
        return [
            Instrument(each.base, each.quote, each.tick, each.lot, each.min_notional, settle=each.quote)
            for each in instruments
            if each.quote == "USDT"
        ]

    def objection(self, _credentials: Credentials, _fees: FeeSchedule) -> str | None:
        """Return None: any keys and fees will do."""
        return None

    def speaker(self, venue: Venue) -> Speaker:
        """Return what speaks for ``venue``."""
        return _speaker(venue, "fapi")

    def ccxt_settings(self, root: str) -> dict[str, object]:
        """Return what ccxt's ``binanceusdm`` constructor needs to talk to the exchange at ``root``."""
        versions = {"V2": "v2", "V3": "v3"}
        api: dict[str, object] = dict.fromkeys((*UNUSED_APIS, "public", "private", "sapi"), UNUSED_URL)
        api |= {"fapiPublic": f"{root}/fapi/v1", "fapiPrivate": f"{root}/fapi/v1"}
        api |= {f"fapi{who}{V}": f"{root}/fapi/{v}" for V, v in versions.items() for who in ("Public", "Private")}
        api["ws"] = {"linear": f"{root.replace('http', 'ws', 1)}/ws"}
        return {"urls": {"api": api}, "options": dict(_OPTIONS)}


class BinanceCoinm:
    """Contracts settled in coins, as ccxt's ``binancecoinm`` speaks it."""

    ccxt_id = "binancecoinm"
    private_route = INVERSE_ROUTE
    fees = FeeSchedule(Decimal("0.0001"), Decimal("0.0005"), FeeAsset.QUOTE)

    def listed(self, instruments: Sequence[Instrument]) -> list[Instrument]:
        """Return an inverse contract for each coin with a market in USDT."""
        one = Decimal(1)
        return [
            Instrument(each.base, "USD", each.tick, one, one, each.base, _DOLLARS.get(each.base, Decimal(10)))
            for each in instruments
            if each.quote == "USDT"
        ]

    def objection(self, _credentials: Credentials, fees: FeeSchedule) -> str | None:
        """Return what is wrong with the fees."""
        return "fees cannot be in BNB where contracts are settled in coins" if fees.asset is FeeAsset.BNB else None

    def speaker(self, venue: Venue) -> Speaker:
        """Return what speaks for ``venue``."""
        return _speaker(venue, "dapi")

    def ccxt_settings(self, root: str) -> dict[str, object]:
        """Return what ccxt's ``binancecoinm`` constructor needs to talk to the exchange at ``root``."""
        api: dict[str, object] = dict.fromkeys((*UNUSED_APIS, "public", "private", "sapi"), UNUSED_URL)
        api |= {"dapiPublic": f"{root}/dapi/v1", "dapiPrivate": f"{root}/dapi/v1", "dapiPrivateV2": f"{root}/dapi/v2"}
        api["ws"] = {"inverse": f"{root.replace('http', 'ws', 1)}/ws"}
        return {"urls": {"api": api}, "options": dict(_OPTIONS)}


def _speaker(venue: Venue, api: str) -> Speaker:
    streams = FuturesStreams(venue, inverse=api == "dapi")
    table = {(endpoint.method, endpoint.path): endpoint for endpoint in endpoints(api, streams)}
    return BinanceSpeaker(venue, table, streams, WEIGHT_LIMIT, REFUSALS)
