"""What clients of the stream may say, and what they are told, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

import msgspec

from exporter.stream.table import Item, Labels

Stream = Literal["metrics", "alerts", "trades", "pnl", "spreads", "public"]
PRIVATE: frozenset[Stream] = frozenset(("metrics", "alerts", "trades", "pnl", "spreads"))

# By which things of a stream can be chosen. A selection that means nothing would only make each channel one's own.
LABELS: dict[Stream, tuple[str, ...]] = {
    "metrics": ("exchange",),
    "alerts": (),
    "trades": Labels._fields,
    "pnl": Labels._fields,
    "spreads": ("exchange", "symbol"),
    "public": (),
}

LONGEST = 8192  # bytes of a client's message

# Codes with which connections end: those of RFC 6455, and our own from 4000 on.
GOING_AWAY, UNSUPPORTED, POLICY, FAULT = 1001, 1003, 1008, 1011
TOO_SLOW, FLOOD = 4008, 4029

Value = Annotated[str, msgspec.Meta(max_length=100)]
Values = Annotated[list[Value], msgspec.Meta(max_length=100)]


class Selection(msgspec.Struct, frozen=True):
    """Which things of a stream: those whose label is one of the values given; without values, all."""

    exchange: frozenset[str] = frozenset()
    account: frozenset[str] = frozenset()
    symbol: frozenset[str] = frozenset()
    strategy: frozenset[str] = frozenset()

    def matches(self, labels: Labels) -> bool:
        """Whether a thing is among them; a label that means nothing for its stream does not keep it out."""
        return (
            (not self.exchange or labels.exchange is None or labels.exchange in self.exchange)
            and (not self.account or labels.account is None or labels.account in self.account)
            and (not self.symbol or labels.symbol is None or labels.symbol in self.symbol)
            and (not self.strategy or labels.strategy is None or labels.strategy in self.strategy)
        )


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was seen last: the exporter's run, from its hello, and the stream's number."""

    epoch: str
    number: Annotated[int, msgspec.Meta(ge=0)]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="op"):
    """``id`` is a client's own name for what it asks, which stands in the answer as well."""

    id: Annotated[str, msgspec.Meta(max_length=64)] | int | None = None


class Auth(Asked, frozen=True, tag="auth"):
    """The token, from clients that cannot send a header."""

    token: str


class Subscribe(Asked, frozen=True, tag="subscribe"):
    """Ask for a stream; ``interval_ms`` may be longer than the server's, for those who want less."""

    stream: Stream
    exchange: Values = []
    account: Values = []
    symbol: Values = []
    strategy: Values = []
    interval_ms: Annotated[float, msgspec.Meta(ge=0, le=60_000)] = 0
    resume: Resume | None = None

    @property
    def selection(self) -> Selection:
        """Which things are asked for."""
        chosen = (self.exchange, self.account, self.symbol, self.strategy)
        return Selection(*(frozenset(values) for values in chosen))

    @property
    def meaningless(self) -> list[str]:
        """The labels by which something is asked for that nothing in this stream has."""
        return [name for name in Labels._fields if getattr(self, name) and name not in LABELS[self.stream]]


class Unsubscribe(Asked, frozen=True, tag="unsubscribe"):
    """Ask for a channel no more."""

    channel: int


class Ping(Asked, frozen=True, tag="ping"):
    """Ask for a sign of life, from clients that cannot send WebSocket's own."""


Request = Auth | Subscribe | Unsubscribe | Ping
decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.encode


def hello(epoch: str, interval_ms: float, *, trusted: bool) -> bytes:
    """The first message: the run of the exporter, how often there is news, and whether a token is needed still."""
    return _encode({"type": "hello", "epoch": epoch, "interval_ms": interval_ms, "authorized": trusted})


def told(kind: str, asked: Asked | None = None, **what: object) -> bytes:
    """An answer: what was done, or an error; with the name that was given to what was asked."""
    name = {} if asked is None or asked.id is None else {"id": asked.id}
    return _encode({"type": kind, **name, **what})


Kind = Literal["snapshot", "update"]


class Head(NamedTuple):
    """What stands before the things: ``number`` is that of the last change told, ``ts`` the time of telling."""

    kind: Kind
    stream: str
    channel: int
    number: int
    ts: float


def news(head: Head, items: Iterable[Item]) -> bytes:
    """Things of a stream, in their newest state and in the order in which they changed."""
    data = b",".join([item.body for item in items])
    start = (
        f'{{"type":"{head.kind}","stream":"{head.stream}","channel":{head.channel},"number":{head.number},'
        f'"ts":{head.ts:.6f},"data":['
    )
    return start.encode() + data + b"]}"
