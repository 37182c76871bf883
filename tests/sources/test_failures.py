"""Kinds of failures, and descriptions that give no secret away."""

from __future__ import annotations

import socket

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


def test_what_keeps_us_from_connecting_is_the_networks_and_is_told() -> None:
    """A name that does not resolve is our network's trouble, not the exchange's, and the reason is in the line."""
    error = errors.ExchangeNotAvailable("binance GET https://x/api/v3/time")
    error.__cause__ = socket.gaierror(-2, "Name or service not known")
    assert failures.kind(error) is ErrorKind.NETWORK
    assert "Name or service not known" in failures.describe(error)


def test_an_error_in_the_handling_of_an_error_does_not_hide_it() -> None:
    """When ccxt stumbles over an exchange's refusal, the refusal is what counts."""
    stumble = KeyError("spot")
    stumble.__context__ = errors.AuthenticationError("binance -2015 invalid key")
    assert failures.kind(stumble) is ErrorKind.AUTHENTICATION
    assert "invalid key" in failures.describe(stumble)


def test_a_description_shows_neither_signature_nor_key() -> None:
    """What ccxt puts into its messages, a signed URL for one, stays out of logs."""
    error = errors.RequestTimeout("binance GET https://x/api/v3/account?timestamp=1&signature=deadbeef key=topsecret")
    text = failures.describe(error, ["topsecret"])
    assert "deadbeef" not in text
    assert "topsecret" not in text
    assert text.startswith("RequestTimeout: binance GET https://x/api/v3/account?…")


def test_a_key_of_many_lines_is_hidden_too() -> None:
    """A PEM key that an error quotes is found although its line breaks are gone."""
    key = "-----BEGIN KEY-----\nabc\ndef\n-----END KEY-----"
    assert "abc" not in failures.describe(errors.AuthenticationError(f"bad key {key}"), [key])
    assert "beef" not in failures.describe(errors.ExchangeError("body a=1&signature=beef"))
    assert "beef" not in failures.describe(errors.ExchangeError('{"apiKey":"beef","x":1}'))


def test_a_description_is_one_line_of_bounded_length() -> None:
    """A page of HTML in an error is cut, and an empty error names its class."""
    assert "\n" not in failures.describe(errors.ExchangeError("<html>\n" * 1000))
    assert len(failures.describe(errors.ExchangeError("<html>\n" * 1000))) == 300
    assert failures.describe(errors.NetworkError("")) == "NetworkError"
