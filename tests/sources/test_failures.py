"""Kinds of failures, and descriptions that give no secret away."""

from __future__ import annotations

import pytest
from ccxt.base import errors

from exporter.sources.ccxt import failures
from exporter.state.exchange import ErrorKind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.RateLimitExceeded(""), ErrorKind.RATE_LIMIT),
        (errors.DDoSProtection(""), ErrorKind.RATE_LIMIT),
        (errors.OnMaintenance(""), ErrorKind.MAINTENANCE),
        (errors.ExchangeNotAvailable(""), ErrorKind.UNAVAILABLE),
        (errors.ChecksumError(""), ErrorKind.BAD_RESPONSE),
        (errors.InvalidNonce(""), ErrorKind.CLOCK),
        (errors.RequestTimeout(""), ErrorKind.TIMEOUT),
        (errors.NetworkError(""), ErrorKind.NETWORK),
        (errors.OperationFailed(""), ErrorKind.UNAVAILABLE),
        (errors.BadResponse(""), ErrorKind.BAD_RESPONSE),
        (errors.PermissionDenied(""), ErrorKind.AUTHENTICATION),
        (errors.NotSupported(""), ErrorKind.NOT_SUPPORTED),
        (errors.InvalidOrder(""), ErrorKind.REJECTED),
        (errors.BadSymbol(""), ErrorKind.REJECTED),
        (TimeoutError(), ErrorKind.TIMEOUT),
        (ConnectionResetError(), ErrorKind.NETWORK),
        (KeyError("x"), ErrorKind.BAD_RESPONSE),
        (RuntimeError(), ErrorKind.OTHER),
    ],
)
def test_each_failure_has_its_kind(error: Exception, kind: ErrorKind) -> None:
    """The most specific class decides."""
    assert failures.kind(error) is kind


def test_a_description_shows_neither_signature_nor_key() -> None:
    """What ccxt puts into its messages, a signed URL for one, stays out of logs."""
    error = errors.RequestTimeout("binance GET https://x/api/v3/account?timestamp=1&signature=deadbeef key=topsecret")
    text = failures.describe(error, ["topsecret"])
    assert "deadbeef" not in text
    assert "topsecret" not in text
    assert text.startswith("RequestTimeout: binance GET https://x/api/v3/account?…")


def test_a_description_is_one_line_of_bounded_length() -> None:
    """A page of HTML in an error is cut, and an empty error names its class."""
    assert "\n" not in failures.describe(errors.ExchangeError("<html>\n" * 1000))
    assert len(failures.describe(errors.ExchangeError("<html>\n" * 1000))) == 300
    assert failures.describe(errors.NetworkError("")) == "NetworkError"
