"""Who may push: tokens, and the accounts that each may report for."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NamedTuple

from exporter.config import PushToken
from exporter.config.push import EVERY_ACCOUNT
from exporter.errors import EventError
from exporter.events import Book, Event, Signal
from exporter.web.push.answer import RequestError

_REMEMBER = 10_000  # accounts, so that a bot that makes up names fills no memory

_OFF = (
    "push is off: list a token under push.tokens in the exporter's configuration, and set journal.path; docs/push.md "
    "says how"
)
_UNKNOWN = "a known token is needed: send the header Authorization: Bearer TOKEN, with one of push.tokens"


class Scope:
    """The accounts that a token may report for.

    A book belongs to no account; it is allowed where any account of its exchange may be. What the user's own systems
    tell of themselves is of no exchange, and always allowed.
    """

    def __init__(self, token: PushToken) -> None:
        self._name = token.name
        self.is_open = EVERY_ACCOUNT in token.accounts  # whether everything is allowed
        self._listed = ", ".join(token.accounts)
        parts = [pattern.partition("/") for pattern in token.accounts]
        self._patterns = [(_glob(exchange), _glob(account)) for exchange, _, account in parts]
        self._known: dict[tuple[str, str | None], bool] = {}

    def check(self, event: Event) -> None:
        """`EventError` when the event is of an account that the token is not for."""
        if isinstance(event, Signal):
            return
        place = (event.exchange, None if isinstance(event, Book) else event.account)
        allowed = self._known.get(place)
        if allowed is None:
            allowed = self._allows(*place)
            if len(self._known) >= _REMEMBER:
                self._known.clear()
            self._known[place] = allowed
        if not allowed:
            exchange, account = place
            what = f"books of {exchange}" if account is None else f"{exchange}/{account}"
            text = f"account: the token {self._name!r} may report for {self._listed}, not {what}; see push.tokens"
            raise EventError("account", text)

    def _allows(self, exchange: str, account: str | None) -> bool:
        return any(
            of_exchange.fullmatch(exchange) and (account is None or of_account.fullmatch(account))
            for of_exchange, of_account in self._patterns
        )


class _Known(NamedTuple):
    digest: bytes
    scope: Scope


class Access:
    """The configured tokens, read once."""

    def __init__(self, tokens: list[PushToken]) -> None:
        self._tokens = [_Known(_digest(token.token.read().encode()), Scope(token)) for token in tokens]

    def scope(self, authorization: str) -> Scope:
        """What the sender of this header may do; `RequestError` when it may do nothing.

        All tokens are compared, each in a time that tells nothing of it.
        """
        if not self._tokens:
            raise RequestError(404, _OFF)
        scheme, _, given = authorization.partition(" ")
        digest = _digest(given.strip().encode(errors="surrogateescape"))
        found = [known.scope for known in self._tokens if hmac.compare_digest(known.digest, digest)]
        if not found or scheme.lower() != "bearer":
            raise RequestError(401, _UNKNOWN, {"WWW-Authenticate": "Bearer"})
        return found[0]


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _glob(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression; ``*`` stands for any text."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
