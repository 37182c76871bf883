"""Keys and signatures as Binance asks for them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from simulator.dialects.binance.words import BAD_KEY, BAD_SIGNATURE, BAD_TIMESTAMP, Refused, missing
from simulator.web.credentials import Credentials

DEFAULT_WINDOW_MS = 5000
LONGEST_WINDOW_MS = 60_000
EARLY_MS = 1000
"""How far ahead of the server a client's clock may be."""


def signature_of(secret: str, payload: str) -> str:
    """Return the hex HMAC-SHA256 of ``payload``."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def check_request(credentials: Credentials, key: str | None, payload: str, params: Mapping[str, str], now: int) -> None:
    """Check a signed REST request: ``payload`` is its query or form exactly as sent.

    Raises Refused. ``now`` in milliseconds.
    """
    signed, separator, signature = payload.rpartition("signature=")
    if not separator:
        raise missing("signature")
    _check(credentials, key, signed.removesuffix("&"), signature, params, now)


def check_key(credentials: Credentials, key: str | None) -> None:
    """Check the key of a request that is not signed; raises Refused."""
    if key is None or not hmac.compare_digest(key.encode(), credentials.key.encode()):
        raise Refused(*BAD_KEY, status=401)


def check_message(credentials: Credentials, params: Mapping[str, object], now: int) -> None:
    """Check the parameters of a signed WebSocket request; raises Refused."""
    plain = {name: str(value) for name, value in params.items()}
    signed = "&".join(f"{name}={quote(plain[name], safe='')}" for name in sorted(plain) if name != "signature")
    _check(credentials, plain.get("apiKey"), signed, plain.get("signature", ""), plain, now)


def _check(  # noqa: PLR0913, PLR0917 - what was sent, and what it is held against
    credentials: Credentials, key: str | None, signed: str, signature: str, params: Mapping[str, str], now: int
) -> None:
    check_key(credentials, key)
    _check_time(params, now)
    if not hmac.compare_digest(signature_of(credentials.secret, signed).encode(), signature.encode()):
        raise Refused(*BAD_SIGNATURE)


def _check_time(params: Mapping[str, str], now: int) -> None:
    if "timestamp" not in params:
        raise missing("timestamp")
    try:
        sent, window = int(params["timestamp"]), int(params.get("recvWindow", DEFAULT_WINDOW_MS))
    except ValueError:
        raise Refused(-1100, "Illegal characters found in parameter 'timestamp' or 'recvWindow'.") from None
    if window > LONGEST_WINDOW_MS:
        raise Refused(-1131, "'recvWindow' must be less than 60000.")
    if sent >= now + EARLY_MS:
        code, _ = BAD_TIMESTAMP
        raise Refused(code, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - sent > window:
        raise Refused(*BAD_TIMESTAMP)
