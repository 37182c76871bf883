"""Failures of exchanges: their kind for a label, and words for people that give no secret away."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ccxt.base import errors

from exporter.state.exchange import ErrorKind

# The most specific class first: ccxt's tree has rate limits, for one, below network errors.
_KINDS: tuple[tuple[type[Exception], ErrorKind], ...] = (
    (errors.RateLimitExceeded, ErrorKind.RATE_LIMIT),
    (errors.DDoSProtection, ErrorKind.RATE_LIMIT),
    (errors.OnMaintenance, ErrorKind.MAINTENANCE),
    (errors.ExchangeNotAvailable, ErrorKind.UNAVAILABLE),
    (errors.ChecksumError, ErrorKind.BAD_RESPONSE),
    (errors.InvalidNonce, ErrorKind.CLOCK),
    (errors.RequestTimeout, ErrorKind.TIMEOUT),
    (errors.NetworkError, ErrorKind.NETWORK),
    (errors.BadResponse, ErrorKind.BAD_RESPONSE),
    (errors.OperationFailed, ErrorKind.UNAVAILABLE),
    (errors.AuthenticationError, ErrorKind.AUTHENTICATION),
    (errors.NotSupported, ErrorKind.NOT_SUPPORTED),
    (errors.ExchangeError, ErrorKind.REJECTED),
    (TimeoutError, ErrorKind.TIMEOUT),
    (OSError, ErrorKind.NETWORK),
    (ValueError, ErrorKind.BAD_RESPONSE),
    (LookupError, ErrorKind.BAD_RESPONSE),
    (TypeError, ErrorKind.BAD_RESPONSE),
)

_LONGEST = 300


def kind(error: BaseException) -> ErrorKind:
    """The kind of a failure.

    Lookup, type and value errors come out of ccxt's parsers when an answer lacks what the exchange's
    documentation promises, so they count as bad responses.
    """
    return next((kind for cls, kind in _KINDS if isinstance(error, cls)), ErrorKind.OTHER)


def describe(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """The failure in one line without queries of URLs, where signatures stand, and without ``secrets``."""
    words = re.sub(r"\?\S*", "?…", " ".join(str(error).split()))
    text = f"{type(error).__name__}: {words}" if words else type(error).__name__
    for secret in secrets:
        text = text.replace(secret, "***")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
