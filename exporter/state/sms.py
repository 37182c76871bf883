"""Texts that wait to be sent, and what became of the others."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter

_REMEMBERED = 10_000  # groups of alerts


class _Told(Enum):
    """What people know of a group of alerts."""

    FIRING = "firing"
    NOTHING = "nothing"  # though it fires
    OVER = "over"


@dataclass(slots=True)
class Text:
    """A text about a group of alerts, which is ``over`` or fires; it waits since ``since``, and may have been tried."""

    group: str
    text: str
    over: bool
    since: float
    tried: bool = False


class Texts:
    """At most ``room`` texts, one for each group of alerts, in the order in which they came.

    One that could not be sent goes behind the others: it may be the only one that the gateway does not take.
    ``results`` counts texts that were sent, failed (given up), refused (for want of room) and dropped (over before
    anybody was told); ``circuit_open`` says that the gateway fails so often, or takes so long, that nothing is tried.
    """

    def __init__(self, room: int) -> None:
        self.results = dict.fromkeys(("sent", "failed", "refused", "dropped"), 0)
        self.circuit_open = False
        self._room = room
        self._waiting: OrderedDict[str, Text] = OrderedDict()
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._flying: Text | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, text: Text) -> bool:
        """Take a text; False when there is no room, and Alertmanager has to come again.

        What waits of the same group is out of date then. That something is over is not told to people who do not
        know that it began, nor twice.
        """
        before = self._waiting.get(text.group)
        if text.over and not self._is_flying(text.group) and not self._is_worth_telling(text, before):
            self._drop(text.group)
            return True
        if before is None and len(self._waiting) >= self._room:
            self.results["refused"] += 1
            return False
        self._waiting[text.group] = text
        return True

    def next(self) -> Text | None:
        """The text whose turn it is; None when nothing waits. It goes on waiting until `sent` or `give_up`."""
        self._flying = min(self._waiting.values(), key=attrgetter("tried"), default=None)  # those not tried yet first
        return self._flying

    def sent(self, text: Text) -> None:
        """People know it now."""
        self._flying = None
        self.results["sent"] += 1
        self._remember(text.group, _Told.OVER if text.over else _Told.FIRING)
        now = self._waiting.get(text.group)
        if now is text or (now is not None and now.over and text.over):  # what came meanwhile says the same
            del self._waiting[text.group]

    def again(self, text: Text) -> None:
        """It was not sent, and is tried again unless it is over by now."""
        self._flying = None
        now = self._waiting.get(text.group)
        if now is None:
            return
        if now.over and not text.over and self._told.get(text.group) is not _Told.FIRING:
            self._drop(text.group)
        else:
            self._waiting.move_to_end(text.group)

    def give_up(self, text: Text) -> None:
        """It was not sent, and is not tried again."""
        self.again(text)
        self.results["failed"] += 1
        if self._waiting.get(text.group) is text:
            del self._waiting[text.group]
        if text.over or self._told.get(text.group) is not _Told.FIRING:
            self._remember(text.group, _Told.OVER if text.over else _Told.NOTHING)

    def _is_flying(self, group: str) -> bool:
        """Whether people may come to know of the group at this moment."""
        return self._flying is not None and self._flying.group == group

    def _is_worth_telling(self, text: Text, before: Text | None) -> bool:
        """Whether people know that what is over began. What is not remembered they were told before a restart."""
        told = self._told.get(text.group)
        return told is _Told.FIRING or (told is None and (before is None or before.over))

    def _drop(self, group: str) -> None:
        if self._waiting.pop(group, None) is not None:
            self.results["dropped"] += 1
        self._remember(group, _Told.OVER)

    def _remember(self, group: str, told: _Told) -> None:
        self._told[group] = told
        self._told.move_to_end(group)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
