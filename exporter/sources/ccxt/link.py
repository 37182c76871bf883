"""One account's connection to its exchange, as the parts of the source share it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeVar

from exporter.config import Exchange
from exporter.errors import EventError, OverloadError
from exporter.events import ONE, Book
from exporter.health import Backoff, Health
from exporter.intake import Intake
from exporter.sources.ccxt import client as instrumented
from exporter.sources.ccxt import failures
from exporter.state.exchange import ErrorKind, ExchangeState
from exporter.state.state import State

SOURCE = "ccxt"
_SHORTEST, _LONGEST = 1.0, 30.0  # seconds between attempts
_AUTHENTICATION_PAUSE = 60.0  # a wrong key does not mend itself, and asking often gets an address banned

SNAPSHOT_AGE = 1.0  # seconds that a book without a time may be old

T = TypeVar("T")


class Link:
    """The client, what it tells, and how its failures are reported."""

    def __init__(self, config: Exchange, state: State, intake: Intake) -> None:
        self.config = config
        self.state = state
        self.intake = intake
        self.exchange: ExchangeState = state.exchanges[config.name]
        self.client = instrumented.connect(config, self)
        self._secrets = tuple(config.credentials().values())
        self.wakes = 0  # how often the exchange has come back
        self._recovered = asyncio.Event()
        self._untimed: defaultdict[str, int] = defaultdict(int)

    # What the client tells (see `Listener`).

    def request(self, operation: str, duration: float, error: ErrorKind | None) -> None:
        """Count a request."""
        self.exchange.request(operation, duration, error)

    def throttled(self, seconds: float) -> None:
        """Note a wait in the rate limiter's queue."""
        self.exchange.throttle_wait.observe(seconds)

    def rate_limit(self, used_ratio: float) -> None:
        """Note the used share of the request limit."""
        self.exchange.rate_limit_used = used_ratio

    def book(self, book: Any) -> None:
        """Take a changed book from the stream.

        A snapshot that opens a stream often has no time while the changes after it do. It was true before
        we had it, so it is dated back a little, lest it hide a change that was on its way. Only an exchange
        that never gives times is taken at our clock.
        """
        untimed = 0 if book["timestamp"] else self._untimed[book["symbol"]] + 1
        self._untimed[book["symbol"]] = untimed
        self.accept_book(book, age=SNAPSHOT_AGE if untimed == 1 else 0.0)

    def accept_book(self, book: Any, age: float = 0.0) -> None:
        """Turn ccxt's book into an event; one without a time is taken to be ``age`` seconds old."""
        bid, bid_quantity = book["bids"][0][:2] if book["bids"] else (None, None)
        ask, ask_quantity = book["asks"][0][:2] if book["asks"] else (None, None)
        try:
            event = Book(
                exchange=self.config.name,
                symbol=book["symbol"],
                ts=book["timestamp"] / 1000 if book["timestamp"] else self.exchange_now() - age,
                bid=bid,
                bid_quantity=bid_quantity,
                ask=ask,
                ask_quantity=ask_quantity,
            )
        except EventError as error:
            self.intake.reject(error, SOURCE)
        else:
            with suppress(OverloadError):  # the next book will do
                self.intake.accept(event, SOURCE)

    def contract_size(self, symbol: str) -> Decimal:
        """How much of the base currency, or of the quote currency when inverse, one contract is; 1 for spot."""
        market = (self.client.markets or {}).get(symbol) or {}
        size = market.get("contractSize") if market.get("contract") else None
        return ONE if size is None or size == 1 else Decimal(str(size))

    # Time, failures, recovery.

    def exchange_now(self) -> float:
        """Unix time on the exchange's clock."""
        return self.state.clock() + (self.exchange.clock_offset or 0.0)

    def part(self, name: str = "") -> str:
        """The name of a part in `State.components`."""
        return "/".join(filter(None, ("exchange", self.config.name, name)))

    def account_part(self, name: str) -> str:
        """The name of a part that belongs to the account."""
        return self.part(f"{self.config.account}/{name}")

    def works(self, part: str) -> None:
        """Note that a part works."""
        Health(part, self.state).works()

    def failed(self, part: str, error: BaseException) -> ErrorKind:
        """Note that a part does not work; what kind of failure that is."""
        kind = failures.kind(error)
        Health(part, self.state).failed(self.describe(error), kind)
        return kind

    def describe(self, error: BaseException) -> str:
        """The failure in one line without the account's secrets."""
        return failures.describe(error, self._secrets)

    def wake(self) -> None:
        """The exchange answers again: whoever waits to retry does so now."""
        self.wakes += 1
        self._recovered.set()
        self._recovered.clear()

    async def pause(self, seconds: float) -> None:
        """Wait before a retry, but not beyond the exchange's recovery."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._recovered.wait()

    async def until_done(self, part: str, attempt: Callable[[], Awaitable[T]], longest: float = _LONGEST) -> T:
        """Try until it succeeds; each failure is reported, and backed off from, for ``longest`` seconds at most."""
        retries = Retries(self, longest)
        while True:
            try:
                result = await attempt()
            except Exception as error:  # one exchange's trouble must not end the program
                await retries.pause(self.failed(part, error))
            else:
                self.works(part)
                return result


class Retries:
    """The pauses between attempts at one thing: longer and longer, and short again when the exchange has come back.

    It may have come back while an attempt was under way, which then fails for what was before; and that it answers
    does not mean that it answers everything at once. ``longest`` (seconds) holds but for an exchange that is asked
    too often, and for a wrong key.
    """

    def __init__(self, link: Link, longest: float = _LONGEST) -> None:
        self._link = link
        self._usual = Backoff(first=_SHORTEST, longest=min(_LONGEST, max(_SHORTEST, longest)))
        self._limited = Backoff(first=_SHORTEST, longest=_LONGEST)
        self._wakes = link.wakes

    def reset(self) -> None:
        """Begin with short pauses again."""
        self._usual.reset()
        self._limited.reset()

    async def pause(self, kind: ErrorKind) -> None:
        """Wait after an attempt that failed; the next one begins right afterwards."""
        self._notice()
        await self._link.pause(self._seconds(kind))
        self._notice()

    def _seconds(self, kind: ErrorKind) -> float:
        if kind is ErrorKind.AUTHENTICATION:
            return _AUTHENTICATION_PAUSE
        return self._limited.next() if kind is ErrorKind.RATE_LIMIT else self._usual.next()

    def _notice(self) -> None:
        if self._link.wakes != self._wakes:
            self._wakes = self._link.wakes
            self.reset()
