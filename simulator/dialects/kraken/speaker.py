"""Kraken's language at work for one exchange: REST under ``/0`` and the second version of its WebSocket API."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from simulator.dialects.kraken import words
from simulator.dialects.kraken.limits import CALL_LIMIT, CallCounter
from simulator.dialects.kraken.rest import ENDPOINTS, Call, Endpoint
from simulator.dialects.kraken.signing import Guard
from simulator.dialects.kraken.stream import PRIVATE_ROUTE, PUBLIC_ROUTE, Streams
from simulator.dialects.kraken.tokens import Tokens
from simulator.dialects.kraken.words import Refused
from simulator.engine.orders import Event, Refusal
from simulator.web.dialect import Answer, Excused, Request, json_answer, page_answer
from simulator.web.faults import RateLimit, ServerError
from simulator.web.hub import Connection
from simulator.web.venue import Venue

_TABLE = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


class KrakenSpeaker:
    """See `simulator.web.dialect.Speaker`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.tokens = Tokens()
        self._streams = Streams(venue, self.tokens)
        self._guard = Guard(venue.credentials)
        self._counter = CallCounter(venue.request_limit or CALL_LIMIT)

    # -- REST

    def serves(self, method: str, route: str) -> bool:
        """Return whether there is an endpoint here."""
        return (method, route) in _TABLE

    def answer(self, request: Request) -> Answer:
        """Answer a request; refusals come with status 200 as well."""
        endpoint = _TABLE[request.method, request.route]
        try:
            return json_answer(words.envelope(self._result(endpoint, request)))
        except Refused as refused:
            return json_answer(words.refusal(refused.error))
        except Refusal as refusal:
            return json_answer(words.refusal(words.REFUSALS[refusal.reason]))

    def _result(self, endpoint: Endpoint, request: Request) -> object:
        venue, params = self._venue, _params(request)
        if endpoint.signed:
            key, signature = request.headers.get("API-Key"), request.headers.get("API-Sign")
            self._guard.check(key, signature, request.route, params.get("nonce", ""), request.body)
            self._counter.use(endpoint.cost, venue.now())
        return endpoint.handler(Call(venue, self.tokens, request.path, params))

    def excuse(self, fault: Excused) -> Answer:
        """Say why there is no answer now."""
        if isinstance(fault, RateLimit):
            return json_answer(words.refusal(words.RATE_LIMIT))
        if isinstance(fault, ServerError):
            return json_answer(words.refusal(words.INTERNAL), 500) if fault.status == 500 else page_answer(fault.status)
        return json_answer(words.refusal(words.UNAVAILABLE))

    # -- WebSocket

    def has_socket(self, route: str) -> bool:
        """Return whether there is a WebSocket here."""
        return route in (PUBLIC_ROUTE, PRIVATE_ROUTE)

    def opened(self, connection: Connection) -> None:
        """Say that all is well."""
        self._streams.opened(connection)

    def heard(self, connection: Connection, text: str) -> None:
        """Take a text frame."""
        self._streams.heard(connection, text)

    def hear(self, event: Event) -> None:
        """Pass an event of the engine on."""
        self._streams.hear(event)

    def each_second(self, _now: int) -> None:
        """Send heartbeats."""
        self._streams.beat()


def _params(request: Request) -> dict[str, str]:
    """Return the parameters from the query or, as form or JSON, from the body."""
    if request.headers.get("Content-Type", "").startswith("application/json"):
        try:
            given = msgspec.json.decode(request.body, type=dict[str, object])
        except msgspec.DecodeError:
            raise Refused(words.INVALID_ARGUMENTS) from None
        return {name: str(value) for name, value in given.items()}
    return dict(parse_qsl(f"{request.query}&{request.body}", keep_blank_values=True))
