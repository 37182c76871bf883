"""Binance spot."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.dialects.binance.speaker import BinanceSpeaker
from simulator.dialects.binance.stream import PRIVATE_ROUTE
from simulator.engine.fees import FeeSchedule
from simulator.engine.instruments import Instrument
from simulator.web.credentials import Credentials
from simulator.web.dialect import Speaker
from simulator.web.venue import Venue

UNUSED_APIS = (
    *("sapiV2", "sapiV3", "sapiV4", "dapiPublic", "dapiPrivate", "dapiPrivateV2", "dapiData", "eapiPublic"),
    *("eapiPrivate", "fapiPublic", "fapiPublicV2", "fapiPublicV3", "fapiPrivate", "fapiPrivateV2"),
    *("fapiPrivateV3", "fapiData", "v1", "papi", "papiV2"),
)
UNUSED_URL = "http://127.0.0.1:9"
"""The discard port of loopback: should ccxt ever use another family of urls, nothing leaves the machine."""


class Binance:
    """Binance spot, as ccxt's ``binance`` speaks it."""

    ccxt_id = "binance"
    private_route = PRIVATE_ROUTE
    fees = FeeSchedule()

    def listed(self, instruments: Sequence[Instrument]) -> list[Instrument]:
        """Return these: it is an exchange for spot."""
        return list(instruments)

    def objection(self, _credentials: Credentials, _fees: FeeSchedule) -> str | None:
        """Return None: any keys and fees will do."""
        return None

    def speaker(self, venue: Venue) -> Speaker:
        """Return what speaks for ``venue``."""
        return BinanceSpeaker(venue)

    def ccxt_settings(self, root: str) -> dict[str, object]:
        """Return what ccxt's ``binance`` constructor needs to talk to the exchange at ``root``."""
        sockets = root.replace("http", "ws", 1)
        api: dict[str, object] = dict.fromkeys(UNUSED_APIS, UNUSED_URL)
        api |= {"public": f"{root}/api/v3", "private": f"{root}/api/v3", "sapi": f"{root}/sapi/v1"}
        api["ws"] = {"spot": f"{sockets}/stream/ws", "ws-api": {"spot": f"{sockets}/ws-api/v3"}}
        options = {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
        }
        return {"urls": {"api": api}, "options": options}
