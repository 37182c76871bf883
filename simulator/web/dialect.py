"""What the server asks of a dialect: the language in which one kind of exchange answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from simulator.engine.fees import FeeSchedule
from simulator.engine.instruments import Instrument
from simulator.engine.orders import Event
from simulator.web.credentials import Credentials
from simulator.web.faults import Maintenance, RateLimit, ServerError

if TYPE_CHECKING:
    from simulator.web.hub import Connection
    from simulator.web.venue import Venue

Json = dict[str, object]
Excused = RateLimit | ServerError | Maintenance

encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Request:
    """One REST request. ``path`` begins with the exchange's name; ``query`` and ``body`` are as they were sent."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]

    @property
    def route(self) -> str:
        """The path as the dialect knows it, without the exchange's name."""
        return route_of(self.path)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a request."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer in JSON."""
    return Answer(encode(body), status, headers or {})


def page_answer(status: int) -> Answer:
    """Return what a gateway in front of an exchange answers in its own name."""
    page = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
    return Answer(page.encode(), status, content_type="text/html")


def route_of(path: str) -> str:
    """Return ``/api/v3/time`` of ``/alpha/api/v3/time``."""
    return "/" + path.lstrip("/").partition("/")[2]


class Speaker(Protocol):
    """A dialect at work for one exchange."""

    def serves(self, method: str, route: str) -> bool:
        """Return whether there is a REST endpoint here."""

    def answer(self, request: Request) -> Answer:
        """Answer a request to an endpoint, refusals included."""

    def excuse(self, fault: Excused) -> Answer:
        """Say in the exchange's words why it does not answer now."""

    def has_socket(self, route: str) -> bool:
        """Return whether there is a WebSocket here."""

    def opened(self, connection: Connection) -> None:
        """Greet a connection, if that is the exchange's way."""

    def heard(self, connection: Connection, text: str) -> None:
        """Take a text frame of a client."""

    def hear(self, event: Event) -> None:
        """Pass an event of the engine on to those who subscribed to it."""

    def each_second(self, now: int) -> None:
        """Send what is sent once a second, such as tickers; ``now`` in milliseconds."""


class Dialect(Protocol):
    """One kind of exchange. Stateless: what it needs to remember of an exchange is in its speaker."""

    @property
    def ccxt_id(self) -> str:
        """The class of ccxt that speaks it, which is also the dialect's name."""

    @property
    def private_route(self) -> str:
        """Where the WebSocket is that carries the account's events."""

    @property
    def fees(self) -> FeeSchedule:
        """What trading costs where nothing else is asked for."""

    def listed(self, instruments: Sequence[Instrument]) -> list[Instrument]:
        """Return what such an exchange trades where the others trade these spot markets."""

    def objection(self, credentials: Credentials, fees: FeeSchedule) -> str | None:
        """Return what keeps such an exchange from having these keys and fees, None when nothing does."""

    def speaker(self, venue: Venue) -> Speaker:
        """Return what speaks for ``venue``."""

    def ccxt_settings(self, root: str) -> dict[str, object]:
        """Return what ccxt's constructor needs to talk to the exchange at the URL ``root``.

        Plain data (it can go into YAML or JSON), without keys: add ``apiKey`` and ``secret``.
        """
