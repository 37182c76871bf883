"""ccxt's exchange classes with ears: every request timed, every book seen, every bad frame caught.

A subclass of the exchange's own class is made at run time (`connect`). It changes nothing in what ccxt
does; it tells a `Listener` what happens, and closes gaps by which a stream could stay silent for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import ccxt
import ccxt.async_support
import ccxt.pro
from ccxt.async_support.base.ws.order_book import OrderBook
from ccxt.base.errors import BadResponse, NetworkError

from exporter.config import Exchange
from exporter.sources.ccxt import failures
from exporter.sources.ccxt.binance import Binance
from exporter.sources.ccxt.bybit import Bybit
from exporter.sources.ccxt.convert import EXACT
from exporter.sources.ccxt.kraken import Kraken
from exporter.sources.ccxt.okx import Okx
from exporter.state.exchange import ErrorKind

# Classes mixed in before ccxt's. With ``whole_history``, `fetch_my_trades` gives all trades of the time asked for
# instead of a page of them.
_MENDED: dict[str, tuple[type, ...]] = {
    "binance": (Binance,),
    "binancecoinm": (Binance,),
    "binanceusdm": (Binance,),
    "bybit": (Bybit,),
    "kraken": (Kraken,),
    "okx": (Okx,),
}
# What the exchange allows where its answers name only what was used, from its documentation.
_WEIGHT_LIMITS = {"binance": 6000, "binanceusdm": 2400, "binancecoinm": 2400}
_AMOUNTS = ("price", "amount", "fee", "fees", "contracts")  # of which the text is kept


class Listener(Protocol):
    """Hears what the client does; durations in seconds, `book` right when a message changed it."""

    def request(self, operation: str, duration: float, error: ErrorKind | None) -> None:
        """Hear that a request ended."""

    def throttled(self, seconds: float) -> None:
        """Hear how long a request waited in our own rate limiter's queue."""

    def rate_limit(self, used_ratio: float) -> None:
        """Hear the share of the exchange's request limit that is used."""

    def book(self, book: Any) -> None:
        """Hear that a message changed a market's book (ccxt's structure)."""


@dataclass(slots=True)
class Call:
    """One unified call; ``sent`` and ``received`` are Unix times of its newest request."""

    operation: str
    sent: float = 0.0
    received: float = 0.0


_call: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def operation(name: str) -> Iterator[Call]:
    """Count the requests made inside under this name, those of tasks started inside included."""
    call = Call(name)
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


class Credentials(Mapping[str, Collection[str]]):
    """The ids that ``exchanges[].id`` may have, and for each the keys that ccxt needs for its private data."""

    def __getitem__(self, name: str) -> Collection[str]:
        if name not in ccxt.exchanges:
            raise KeyError(name)
        needed: dict[str, bool] = getattr(ccxt, name)().requiredCredentials
        return [key for key, is_needed in needed.items() if is_needed]

    def __iter__(self) -> Iterator[str]:
        return iter(ccxt.async_support.exchanges)

    def __len__(self) -> int:
        return len(ccxt.async_support.exchanges)


def known_exchanges() -> Credentials:
    """The ids that ``exchanges[].id`` may have, each with the keys that it asks for."""
    return Credentials()


def connect(config: Exchange, listener: Listener) -> Any:
    """An instrumented instance of the exchange; nothing is sent yet."""
    library = ccxt.pro if config.id in ccxt.pro.exchanges else ccxt.async_support
    kind = type(config.id, (_Instrumented, *_MENDED.get(config.id, ()), getattr(library, config.id)), {})
    settings = {
        "enableRateLimit": True,
        "timeout": max(1, round(config.request_timeout * 1000)),
        # Private calls that loading the markets would make: nothing here needs them, and a wrong key must not
        # keep public market data away.
        "options": {"fetchCurrencies": False, "fetchMargins": False},
        **config.credentials(),
    }
    client = kind(ccxt.pro.Exchange.deep_extend(settings, config.ccxt))
    client.listener = listener
    client._streams, client._keyed = {}, set()
    if "urls" in config.ccxt:
        _serve_from_other_host(client)
    return client


def _serve_from_other_host(client: Any) -> None:
    """Keep the error codes of spot markets, which ccxt looks up by the exchange's real host name."""
    exceptions = client.exceptions
    for part, codes in exceptions.get("spot", {}).items():
        exceptions[part] = {**exceptions.get(part, {}), **codes}


class _Instrumented:
    """Overrides of ccxt's own methods; mixed in before the exchange's class, hence the untyped supers."""

    listener: Listener
    id: str
    clients: dict[str, Any] | None
    number: Callable[[str], Any]
    _judged: str | None = None
    options: dict[str, Any]
    _streams: dict[str, set[str]]  # the WebSocket URLs that each operation has used
    _keyed: set[str]  # those that contain a key for this connection

    async def throttle(self, cost: float | None = None) -> None:
        started = time.perf_counter()
        await super().throttle(cost)  # type: ignore[misc]  # ccxt's class comes behind this one
        self.listener.throttled(time.perf_counter() - started)

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        call = _call.get() or Call("other")
        call.sent, started, error = time.time(), time.perf_counter(), None
        try:
            return await super().fetch(url, method, headers, body)  # type: ignore[misc]  # as above
        except Exception as raised:
            error = failures.kind(raised)
            raise
        finally:
            call.received = time.time()
            self.listener.request(call.operation, time.perf_counter() - started, error)

    def on_rest_response(  # noqa: PLR0913, PLR0917 - ccxt's signature
        self, code: int, reason: str, url: str, method: str, headers: dict[str, str], body: str, *rest: Any
    ) -> Any:
        """Read the rate limit's headers, and note what `parse_json`, which comes next, has to judge."""
        used = _used_ratio(self.id, {key.lower(): value for key, value in headers.items()})
        if used is not None:
            self.listener.rate_limit(used)
        self._judged = f"{self.id} {method} {url.partition('?')[0]}" if code < 300 else None
        return super().on_rest_response(code, reason, url, method, headers, body, *rest)  # type: ignore[misc]

    def parse_json(self, text: str) -> Any:
        """Refuse a success that is not JSON; ccxt would take it for an empty answer."""
        parsed = super().parse_json(text)  # type: ignore[misc]  # ccxt's
        asked, self._judged = self._judged, None
        if parsed is None and asked is not None:
            raise BadResponse(f"{asked} was answered with what is not JSON: {text[:60]!r}")
        return parsed

    def parse_trade(self, trade: Any, market: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_trade, trade, market)  # type: ignore[misc]

    def parse_ws_trade(self, trade: Any, market: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_ws_trade, trade, market)  # type: ignore[misc]

    def parse_transaction(self, transaction: Any, currency: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_transaction, transaction, currency)  # type: ignore[misc]

    def parse_transfer(self, transfer: Any, currency: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_transfer, transfer, currency)  # type: ignore[misc]

    def parse_ledger_entry(self, item: Any, currency: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_ledger_entry, item, currency)  # type: ignore[misc]

    def parse_income(self, income: Any, market: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_income, income, market)  # type: ignore[misc]

    def parse_position(self, position: Any, market: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_position, position, market)  # type: ignore[misc]

    def parse_position_risk(self, position: Any, market: Any = None) -> Any:
        return self._with_exact_numbers(super().parse_position_risk, position, market)  # type: ignore[misc]

    def _with_exact_numbers(self, parse: Callable[[Any, Any], Any], sent: Any, context: Any) -> Any:
        """Parse once as ccxt does, with floats, and once more keeping the numbers' text under `EXACT`.

        Where ccxt calculates with floats, there is no text to keep.
        """
        parsed = parse(sent, context)
        if not isinstance(parsed, dict) or EXACT in parsed:  # some exchanges' parse_ws_trade calls parse_trade
            return parsed
        number, self.number = self.number, str
        try:
            exact = parse(sent, context)
        except (TypeError, ValueError):
            return parsed
        finally:
            self.number = number
        parsed[EXACT] = {key: exact.get(key) for key in _AMOUNTS}
        return parsed

    def safe_balance(self, balance: Any) -> Any:
        """ccxt's balances, with the text of each total under `EXACT`."""
        copy = {key: dict(value) if isinstance(value, dict) else value for key, value in balance.items()}
        number, self.number = self.number, str
        try:
            exact = super().safe_balance(copy)["total"]  # type: ignore[misc]  # ccxt's
        finally:
            self.number = number
        return {**super().safe_balance(balance), EXACT: exact}  # type: ignore[misc]  # ccxt's

    def client(self, url: str) -> Any:
        """The WebSocket client for a URL, made safe when it is new."""
        call = _call.get()
        if call is not None:
            self._use(url, call.operation)
        is_new = url not in (self.clients or {})
        client = super().client(url)  # type: ignore[misc]  # ccxt's
        if is_new:
            self._make_safe(client)
        return client

    def _use(self, url: str, used_by: str) -> None:
        """Note that an operation uses a URL; one that contains a new key takes the place of those with older keys."""
        used = self._streams.setdefault(used_by, set())
        keys = [each.get("listenKey") for each in self.options.values() if isinstance(each, dict)]
        if any(key and key in url for key in keys):
            used -= self._keyed - {url}
            self._keyed.add(url)
        used.add(url)

    def stands(self, used_by: str) -> bool:
        """Whether an operation has WebSocket connections and all of them are open.

        What ccxt only keeps a token with, and never connects, does not count.
        """
        clients = [(self.clients or {}).get(url) for url in self._streams.get(used_by, ())]
        used = [client for client in clients if client is None or client.connectionStarted is not None]
        return bool(used) and all(client is not None and client.isConnected for client in used)

    def drop_streams(self, used_by: str, reason: str) -> None:
        """Close the WebSocket connections of an operation; whoever watches gets a network error and subscribes anew."""
        for url in self._streams.get(used_by, ()):
            client = (self.clients or {}).get(url)
            if client is not None:
                client.on_error(NetworkError(f"{self.id}: {reason}; reconnecting"))

    def _make_safe(self, client: Any) -> None:
        """Let no frame kill the receive loop, and let no change of a book go unseen.

        ccxt's loop ends for good at an exception from a handler, with every watch hanging; and several
        frames that are read at once wake a watch only once, so that it sees the last of them.
        """
        handle, resolve, future = client.handle_message, client.resolve, client.future

        def handle_safely(message: Any) -> None:
            try:
                handle(message)
            except Exception as error:  # whatever it was, the connection cannot be trusted
                text = f"{self.id}: a frame could not be read ({type(error).__name__}); reconnecting"
                client.on_error(BadResponse(text))

        def resolve_and_tell(result: Any, message_hash: Any) -> Any:
            if isinstance(result, OrderBook):
                self.listener.book(result)
            return resolve(result, message_hash)

        def future_without_complaint(message_hash: Any) -> Any:
            promised = future(message_hash)
            promised.add_done_callback(_retrieve)  # ccxt leaves some futures behind that nobody awaits
            return promised

        client.handle_message, client.resolve, client.future = handle_safely, resolve_and_tell, future_without_complaint


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Mark a failure as seen, so that asyncio does not complain of it; whoever awaits it still gets it."""
    if not future.cancelled():
        future.exception()


async def close(client: Any) -> None:
    """Close all connections; what goes wrong in doing so is of no interest any more."""
    try:
        async with asyncio.timeout(2.0):
            await client.close()
    except Exception:  # noqa: S110 - the exchange may be the reason why we close
        pass


def _used_ratio(exchange: str, headers: dict[str, str]) -> float | None:
    """The used share of the request limit from an answer's headers (names in lower case), if they tell."""
    try:
        used = headers.get("x-mbx-used-weight-1m")
        if used is not None and exchange in _WEIGHT_LIMITS:
            return int(used) / _WEIGHT_LIMITS[exchange]
        for limit, left in (
            ("x-bapi-limit", "x-bapi-limit-status"),
            ("x-ratelimit-limit", "x-ratelimit-remaining"),
        ):
            if limit in headers and left in headers:
                return 1 - int(headers[left]) / int(headers[limit])
    except (ValueError, ZeroDivisionError):
        return None
    return None
