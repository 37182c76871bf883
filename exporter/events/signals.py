"""What the user's own systems tell of themselves: requests, caches, models, business."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from exporter.errors import EventError
from exporter.events.base import Name, OptionalId, check_time

Status = Annotated[int, msgspec.Meta(ge=100, le=599)]
Total = Annotated[float, msgspec.Meta(ge=0, le=1e18)]
Number = Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]  # so that sums of squares stay finite
Answer = Number | Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
"""What a model says: a number, or the name of a class."""
Features = Annotated[dict[Name, Number], msgspec.Meta(max_length=100)]

BusinessKind = Literal["level", "increment"]


class Signal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``ts`` is Unix time in seconds."""

    ts: float

    def __post_init__(self) -> None:
        check_time("ts", self.ts)


class Request(Signal, frozen=True, kw_only=True, gc=False, tag="request"):
    """One request that the trading system's own API answered.

    ``route`` is the pattern of the path, such as ``/orders/{id}``, never the path itself; ``duration`` is in seconds.
    """

    route: Name
    status: Status
    duration: float
    app: Name = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_seconds("duration", self.duration)


class Cache(Signal, frozen=True, kw_only=True, gc=False, tag="cache"):
    """What a cache counted since it began, and what it holds now.

    ``warmed_entries`` counts what was put in before anybody asked for it, ``warmed_hits`` those of these that were
    asked for since, each once.
    """

    cache: Name
    hits: Total
    misses: Total
    tier: Name = "l1"
    evictions: Total | None = None
    entries: Total | None = None
    memory_bytes: Total | None = None
    memory_limit_bytes: Total | None = None
    warmed_entries: Total | None = None
    warmed_hits: Total | None = None


class Prediction(Signal, frozen=True, kw_only=True, gc=False, tag="prediction"):
    """What a model said, how long it took, and the features that it was told.

    With ``prediction_id`` the outcome finds it.
    """

    model: Name
    value: Answer | None = None
    prediction_id: OptionalId = ""
    inference_seconds: float | None = None
    features: Features = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_answer("value", self.value)
        if self.inference_seconds is not None:
            _check_seconds("inference_seconds", self.inference_seconds)


class Outcome(Signal, frozen=True, kw_only=True, gc=False, tag="outcome"):
    """What came true of a prediction: of ``predicted``, or of the one with this ``prediction_id``."""

    model: Name
    value: Answer
    prediction_id: OptionalId = ""
    predicted: Answer | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_answer("value", self.value)
        _check_answer("predicted", self.predicted)


class Business(Signal, frozen=True, kw_only=True, gc=False, tag="business"):
    """A figure of the business: its present ``level``, or the ``increment`` of a sum."""

    name: Name
    value: float
    kind: BusinessKind = "level"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not math.isfinite(self.value):
            raise EventError("value", f"value is {self.value}; give a finite number")
        if self.kind == "increment" and self.value < 0:
            raise EventError("value", f"value is {self.value}; an increment cannot be negative, a level can")


def _check_seconds(name: str, value: float) -> None:
    if not 0 <= value < 86_400:
        raise EventError(name, f"{name} is {value}; give seconds, from 0 to a day")


def _check_answer(name: str, value: float | str | None) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise EventError(name, f"{name} is {value}; give a finite number, or the name of a class")
