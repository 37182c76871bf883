"""The control endpoints: status, faults, fills, markets, and trades of a third party."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, Protocol

import msgspec
from aiohttp import web

from simulator.engine.instruments import text
from simulator.engine.orders import Refusal, Side
from simulator.fill_log import fill_record
from simulator.web.dialect import encode
from simulator.web.faults import AnyFault, Fault
from simulator.web.venue import Venue


class Controlled(Protocol):
    """What the endpoints ask of the simulator."""

    venues: dict[str, Venue]

    def status(self) -> dict[str, object]:
        """Return the state of all exchanges."""

    def replay_state(self) -> str:
        """Return ``none``, ``waiting``, ``running`` or ``finished``."""

    def start_replay(self) -> None:
        """Let a replay that waits begin now."""

    def add_fault(self, exchange: str, fault: AnyFault) -> int:
        """Activate a fault on one exchange and return its id."""

    def market(self, exchange: str) -> dict[str, dict[str, object]]:
        """Return the last published best prices of each symbol."""

    def trade(self, exchange: str, symbol: str, side: Side, quantity: Decimal) -> Decimal:
        """Let a third party take ``quantity`` from the book; returns what found nothing to trade with."""

    def move(  # noqa: PLR0913 - what moved, and how far it has come
        self, exchange: str, kind: str, asset: str, amount: str, *, fee: str, is_done: bool
    ) -> int:
        """Let money come or go other than by trading; returns its number."""

    def finish(self, exchange: str, number: int) -> None:
        """Let money arrive that was under way."""

    def fund(self, exchange: str, symbol: str, rate: str) -> Decimal:
        """Pay funding on the position in a contract; returns what was received."""


class TradeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A trade of a third party: it takes ``quantity`` (base currency) from the book."""

    symbol: str
    side: Literal["buy", "sell"]
    quantity: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]


class MoveRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Money that comes (positive) or goes other than by trading; ``fee`` is taken as well."""

    kind: Literal["deposit", "withdrawal", "transfer"]
    asset: str
    amount: Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
    fee: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")] = "0"
    is_done: bool = True


class FundingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A payment between longs and shorts of a contract, as a share of its worth."""

    symbol: str
    rate: Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]


class Control:
    """Handlers for everything under ``/control``."""

    def __init__(self, simulator: Controlled) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        """Return all control routes."""
        one = "/control/{exchange}"
        return [
            web.get("/control", self._status),
            web.post("/control/replay/start", self._start_replay),
            web.get(one + "/faults", self._list_faults),
            web.post(one + "/faults", self._add_faults),
            web.delete(one + "/faults", self._clear_faults),
            web.delete(one + "/faults/{id}", self._remove_fault),
            web.get(one + "/fills", self._fills),
            web.get(one + "/market", self._market),
            web.post(one + "/trade", self._trade),
            web.post(one + "/movements", self._move),
            web.post(one + "/movements/{id}/finish", self._finish),
            web.post(one + "/funding", self._fund),
        ]

    def _venue(self, request: web.Request) -> Venue:
        name, venues = request.match_info["exchange"], self._simulator.venues
        if name not in venues:
            raise _refused(404, f"no exchange {name!r} here; there are {', '.join(venues)}")
        return venues[name]

    async def _status(self, _request: web.Request) -> web.Response:
        return _json(self._simulator.status())

    async def _start_replay(self, _request: web.Request) -> web.Response:
        self._simulator.start_replay()
        return _json({"replay": self._simulator.replay_state()})

    async def _list_faults(self, request: web.Request) -> web.Response:
        return _json(self._venue(request).faults.listing())

    async def _add_faults(self, request: web.Request) -> web.Response:
        venue = self._venue(request)
        faults = parse_faults(await request.read())
        return _json({"ids": [self._simulator.add_fault(venue.name, fault) for fault in faults]}, 201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._venue(request).faults.clear()
        return _json({})

    async def _remove_fault(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        if not number.isdecimal() or not self._venue(request).faults.remove(int(number)):
            raise _refused(404, f"no fault {number!r}")
        return _json({})

    async def _fills(self, request: web.Request) -> web.Response:
        venue = self._venue(request)
        return _json([fill_record(venue.name, fill) for fill in venue.exchange.fills])

    async def _market(self, request: web.Request) -> web.Response:
        return _json(self._simulator.market(self._venue(request).name))

    async def _trade(self, request: web.Request) -> web.Response:
        venue = self._venue(request)
        try:
            wanted = msgspec.json.decode(await request.read(), type=TradeRequest)
            quantity = Decimal(wanted.quantity)
        except (msgspec.DecodeError, InvalidOperation) as error:
            raise _refused(400, str(error)) from error
        if wanted.symbol not in venue.exchange.instruments:
            raise _refused(400, f"unknown symbol {wanted.symbol!r}")
        left = self._simulator.trade(venue.name, wanted.symbol, Side(wanted.side), quantity)
        return _json({"traded": str(quantity - left), "left": str(left)})

    async def _move(self, request: web.Request) -> web.Response:
        venue = self._venue(request)
        try:
            wanted = msgspec.json.decode(await request.read(), type=MoveRequest)
            asked = (venue.name, wanted.kind, wanted.asset, wanted.amount)
            number = self._simulator.move(*asked, fee=wanted.fee, is_done=wanted.is_done)
        except (msgspec.DecodeError, ValueError) as error:
            raise _refused(400, str(error)) from error
        return _json({"id": number}, 201)

    async def _finish(self, request: web.Request) -> web.Response:
        venue, number = self._venue(request), request.match_info["id"]
        try:
            self._simulator.finish(venue.name, int(number))
        except (ValueError, LookupError) as error:
            raise _refused(404, f"no movement {number!r} is under way") from error
        return _json({})

    async def _fund(self, request: web.Request) -> web.Response:
        venue = self._venue(request)
        try:
            wanted = msgspec.json.decode(await request.read(), type=FundingRequest)
            received = self._simulator.fund(venue.name, wanted.symbol, wanted.rate)
        except (msgspec.DecodeError, Refusal) as error:
            raise _refused(400, str(error)) from error
        return _json({"received": text(received)})


def parse_faults(body: bytes) -> list[AnyFault]:
    """Read one fault or a list of them from JSON; raises HTTPBadRequest that names what is unknown."""
    try:
        raw = msgspec.json.decode(body)
        return msgspec.convert(raw if isinstance(raw, list) else [raw], list[AnyFault])
    except msgspec.DecodeError as error:
        kinds = ", ".join(sorted(_kinds()))
        raise _refused(400, f"{error}; kinds are {kinds}") from error


def _kinds() -> list[str]:
    return [str(kind.__struct_config__.tag) for kind in Fault.__subclasses__()]


def _refused(status: int, message: str) -> web.HTTPException:
    kind = web.HTTPNotFound if status == 404 else web.HTTPBadRequest
    return kind(text=encode({"error": message}).decode(), content_type="application/json")


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=encode(body), status=status, content_type="application/json")
