"""Failures of exchanges: their kind for a label, and words for people that give no secret away."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable

import aiohttp
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

_NO_CONNECTION = (socket.gaierror, aiohttp.ClientConnectorError)
_LONGEST = 300
_SHORTEST_SECRET = 6  # shorter ones are no keys, and blotting out each "x" would tell rather than hide it
_NAMED_SECRET = re.compile(r"""(?i)\b((?:signature|api-?key|secret|token)['"]?\s*[=:]\s*['"]?)[^\s,&"'}]+""")


def kind(error: BaseException) -> ErrorKind:
    """The kind of a failure.

    Lookup, type and value errors come out of ccxt's parsers when an answer lacks what the exchange's
    documentation promises, so they count as bad responses.
    """
    failure = _failure(error)
    if isinstance(failure.__cause__, _NO_CONNECTION):
        return ErrorKind.NETWORK
    return next((kind for cls, kind in _KINDS if isinstance(failure, cls)), ErrorKind.OTHER)


def describe(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """The failure and its cause in one line without queries of URLs, where signatures stand, and ``secrets``."""
    failure = _failure(error)
    words = f"{_words(failure)} ({_words(failure.__cause__)})" if failure.__cause__ else _words(failure)
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            words = words.replace(" ".join(secret.split()), "***")
    words = re.sub(r"\?\S*", "?…", words)
    words = _NAMED_SECRET.sub(r"\1***", words)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _failure(error: BaseException) -> BaseException:
    """What failed first: where ccxt stumbles while it handles an exchange's error, that error is of interest."""
    context = error.__context__
    stumbled = isinstance(context, errors.BaseError) and not isinstance(error, errors.BaseError)
    return context if stumbled and context is not None else error


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
