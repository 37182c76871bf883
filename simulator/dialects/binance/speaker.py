"""Binance's language at work for one exchange: REST under ``/api/v3`` and ``/sapi/v1``, and two WebSockets."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from simulator.dialects.binance import words
from simulator.dialects.binance.rest import ENDPOINTS, Call, Endpoint
from simulator.dialects.binance.signing import check_key, check_request
from simulator.dialects.binance.stream import Streams
from simulator.dialects.binance.weight import WEIGHT_LIMIT, Throttled, WeightMeter
from simulator.dialects.binance.words import Refused
from simulator.engine.orders import Event, Reason, Refusal
from simulator.web.dialect import Answer, Excused, Request, json_answer, page_answer
from simulator.web.faults import RateLimit, ServerError
from simulator.web.hub import Connection
from simulator.web.venue import Venue

_TABLE = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


class BinanceSpeaker:
    """See `simulator.web.dialect.Speaker`. What is given beside the venue is another one's of Binance's exchanges."""

    def __init__(
        self,
        venue: Venue,
        table: Mapping[tuple[str, str], Endpoint] = _TABLE,
        streams: Streams | None = None,
        weight_limit: int = WEIGHT_LIMIT,
        refusals: Mapping[Reason, tuple[int, str]] = words.REFUSALS,
    ) -> None:
        self._venue = venue
        self._table = table
        self._refusals = refusals
        self._streams = streams or Streams(venue)
        self._weight = WeightMeter(venue.request_limit or weight_limit)

    # -- REST

    def serves(self, method: str, route: str) -> bool:
        """Return whether there is an endpoint here."""
        return (method, route) in self._table

    def answer(self, request: Request) -> Answer:
        """Answer a request; every answer tells the weight used."""
        endpoint = self._table[request.method, request.route]
        body, status, headers = self._judged(endpoint, request)
        return json_answer(body, status, {**headers, "X-MBX-USED-WEIGHT-1M": str(self._weight.used)})

    def _judged(self, endpoint: Endpoint, request: Request) -> tuple[object, int, dict[str, str]]:
        try:
            return self._result(endpoint, request), 200, {}
        except Throttled as throttled:
            return throttled.body(), 429, {"Retry-After": str(throttled.retry_after)}
        except Refused as refused:
            return refused.body(), refused.status, {}
        except Refusal as refusal:
            return Refused(*self._refusals[refusal.reason]).body(), 400, {}

    def _result(self, endpoint: Endpoint, request: Request) -> object:
        venue = self._venue
        params = dict(parse_qsl(request.query, keep_blank_values=True)) | dict(
            parse_qsl(request.body, keep_blank_values=True)
        )
        self._weight.use(endpoint.cost(params), venue.now())
        if endpoint.signed:
            key, now = request.headers.get("X-MBX-APIKEY"), venue.server_time(request.path)
            check_request(venue.credentials, key, request.query + request.body, params, now)
        elif endpoint.keyed:
            check_key(venue.credentials, request.headers.get("X-MBX-APIKEY"))
        return endpoint.handler(Call(venue, self._weight, request.path, params))

    def excuse(self, fault: Excused) -> Answer:
        """Say why there is no answer now."""
        if isinstance(fault, RateLimit):
            refused = Refused(*words.TOO_MANY_REQUESTS)
            return json_answer(refused.body(), 429, {"Retry-After": str(fault.retry_after)})
        if isinstance(fault, ServerError):
            # The engine's own words for 500, and a gateway's page for what comes from a gateway.
            own = fault.status == 500
            return json_answer(Refused(*words.UNKNOWN_ERROR).body(), 500) if own else page_answer(fault.status)
        return json_answer(Refused(*words.MAINTENANCE).body(), 503)

    # -- WebSocket

    def has_socket(self, route: str) -> bool:
        """Return whether there is a WebSocket here."""
        return self._streams.has_socket(route)

    def opened(self, connection: Connection) -> None:
        """Greet a connection, if that is the exchange's way."""
        self._streams.opened(connection)

    def heard(self, connection: Connection, text: str) -> None:
        """Take a text frame."""
        self._streams.heard(connection, text)

    def hear(self, event: Event) -> None:
        """Pass an event of the engine on."""
        self._streams.hear(event)

    def each_second(self, now: int) -> None:
        """Send tickers."""
        self._streams.each_second(now)
