"""Who listens to one channel knows all that there is, in whatever order things change and listeners come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from exporter.stream import channel
from exporter.stream.channel import Channel
from exporter.stream.client import Client
from exporter.stream.frames import Message
from exporter.stream.protocol import Resume, Selection
from exporter.stream.table import Labels, Table

PADDING = "x" * 20_000  # so that no message has more than one thing


@dataclass(eq=False)
class Listener:
    """Takes what it is told as docs/stream.md says; ``slow`` is one that does not read now."""

    slow: bool = False
    knows: dict[int, int] = field(default_factory=dict)
    number: int = 0

    def is_behind(self) -> bool:
        return self.slow

    def send(self, message: Message) -> None:
        told: dict[str, Any] = json.loads(message.payload)
        if told["type"] == "snapshot":
            self.knows.clear()
        assert told["type"] == "snapshot" or told["data"], "an update without news"
        assert told["number"] >= self.number
        self.number = told["number"]
        self.knows |= {each["key"]: each["value"] for each in told["data"]}


class Race:
    """A channel, and what goes on at the same time."""

    def __init__(self, most: int) -> None:
        self.table = Table(most)
        self.channel = Channel(1, "pnl", self.table, Selection(), 1)
        self.listeners: list[Listener] = []
        self.works: dict[object, Iterator[None]] = {}

    def put(self, key: int, value: int) -> None:
        body = json.dumps({"key": key, "value": value, "more": PADDING}).encode()
        self.table.put(key, Labels(), body)

    def join(self, resumes: bool) -> None:
        listener = Listener()
        resume = None
        if resumes and self.listeners:
            left = self.leave()
            if left is not None:
                listener, resume = left, Resume("run", left.number)
        listener.slow = False
        self.listeners.append(listener)
        self.works[listener] = self.channel.join(cast("Client", listener), "run", resume, 0.0)

    def leave(self) -> Listener | None:
        left = self.listeners.pop(0) if self.listeners else None
        if left is not None:
            self.works.pop(left, None)
            self.channel.leave(cast("Client", left))
        return left

    def step(self, which: int) -> None:
        """Go on with one of those that were left off, be it the turn of the channel."""
        self.works.setdefault("turn", self.channel.tell(0.0))
        work = list(self.works)[which % len(self.works)]
        if next(self.works[work], self) is self:
            del self.works[work]

    def finish(self) -> None:
        """Everybody reads, and nothing changes any more."""
        for listener in self.listeners:
            listener.slow = False
        for work in self.works.values():
            list(work)
        self.works.clear()
        for _ in range(2):
            list(self.channel.tell(0.0))


STEPS = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 5), st.integers(0, 9)),
    st.tuples(st.just("join"), st.booleans()),
    st.tuples(st.just("leave")),
    st.tuples(st.just("slow"), st.integers(0, 3)),
    st.tuples(st.just("step"), st.integers(0, 5)),
)


@given(st.lists(STEPS, max_size=60), st.sampled_from([3, 100]))
def test_all_who_listen_know_all_that_there_is(steps: list[tuple[Any, ...]], most: int) -> None:
    """However joining, resuming, leaving, pausing, changes and turns are interleaved."""
    race = Race(most)
    with patch.object(channel, "_A_LOT", 2):
        for name, *given_values in steps:
            if name == "slow":
                for listener in race.listeners[given_values[0] :][:1]:
                    listener.slow = not listener.slow
            else:
                getattr(race, name)(*given_values)
        race.finish()
    wanted = {each["key"]: each["value"] for each in (json.loads(item.body) for item in race.table.since(0))}
    for listener in race.listeners:
        assert wanted.items() <= listener.knows.items()
        assert most == 3 or listener.knows == wanted
    assert race.channel.is_empty == (not race.listeners)


def test_a_small_selection_of_very_much_is_found_with_pauses() -> None:
    """Everybody else has a turn meanwhile; who asked gets one snapshot with what matches."""
    table = Table(100_000)
    for number in range(5_000):
        labels = Labels(symbol=f"S{number}/USDT")
        table.put(number, labels, json.dumps({"key": number, "value": 1}).encode())
    listener = Listener()
    small = Channel(1, "pnl", table, Selection(symbol=frozenset({"S4321/USDT"})), 1)
    steps = sum(1 for _ in small.join(cast("Client", listener), "run", None, 0.0))
    assert steps == 6
    assert (listener.knows, listener.number) == ({4321: 1}, 5_000)
