"""Kraken spot."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.dialects.kraken.signing import is_base64
from simulator.dialects.kraken.speaker import KrakenSpeaker
from simulator.dialects.kraken.stream import PRIVATE_ROUTE, PUBLIC_ROUTE
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.instruments import Instrument
from simulator.web.credentials import Credentials
from simulator.web.dialect import Speaker
from simulator.web.venue import Venue

_UNUSED_URL = "http://127.0.0.1:9"
"""The discard port of loopback: should ccxt ever use another family of urls, nothing leaves the machine."""


class Kraken:
    """Kraken spot, as ccxt's ``kraken`` speaks it."""

    ccxt_id = "kraken"
    private_route = PRIVATE_ROUTE
    fees = FeeSchedule(asset=FeeAsset.QUOTE)

    def listed(self, instruments: Sequence[Instrument]) -> list[Instrument]:
        """Return these: it is an exchange for spot."""
        return list(instruments)

    def objection(self, credentials: Credentials, fees: FeeSchedule) -> str | None:
        """Return what keeps a Kraken from having these keys and fees, None when nothing does."""
        if not is_base64(credentials.secret):
            return "Kraken's secrets are base64, and SIMULATOR_SECRET is not"
        if fees.asset is FeeAsset.BNB:
            return "Kraken takes no fees in BNB; choose quote or received"
        return None

    def speaker(self, venue: Venue) -> Speaker:
        """Return what speaks for ``venue``."""
        return KrakenSpeaker(venue)

    def ccxt_settings(self, root: str) -> dict[str, object]:
        """Return what ccxt's ``kraken`` constructor needs to talk to the exchange at ``root``."""
        sockets = root.replace("http", "ws", 1)
        api: dict[str, object] = {"public": root, "private": root, "zendesk": _UNUSED_URL}
        # ccxt keeps the token with the first version's private url, but never connects to it.
        unused = dict.fromkeys(("public", "private", "beta", "beta-private"), _UNUSED_URL.replace("http", "ws", 1))
        api["ws"] = {**unused, "publicV2": sockets + PUBLIC_ROUTE, "privateV2": sockets + PRIVATE_ROUTE}
        # The simulated exchange allows far more than the real one.
        return {"urls": {"api": api}, "options": {"fetchCurrencies": False}, "rateLimit": 50}
