"""How steadily each part of the exporter worked in the last five minutes."""

from __future__ import annotations

from collections import deque

from exporter.config import Health
from exporter.state.state import OWN, State

_LOOKS = 300  # one a second


class Scores:
    """The share of looks, in percent, at which each part was up; and of all together what is left of 100."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: dict[str, deque[bool]] = {}

    def look(self) -> None:
        """Note how each part is now."""
        for name, part in self._state.components.items():
            self._seen.setdefault(name, deque(maxlen=_LOOKS)).append(part.up)

    def of(self, name: str) -> float:
        """Of one part; before the first look at it, how it is now."""
        seen = self._seen.get(name) or (self._state.components[name].up,)
        return round(100 * sum(seen) / len(seen), 1)

    def overall(self) -> float:
        """100, less a penalty for each part that was down, as much of it as the part was."""
        health = self._state.config.health
        lost = sum(_penalty(health, name) * (1 - self.of(name) / 100) for name in self._state.components)
        return round(max(0.0, 100 - lost), 1)


def _penalty(health: Health, name: str) -> float:
    is_own = name.partition("/")[0] == OWN
    return health.critical_penalty if is_own else health.warning_penalty
