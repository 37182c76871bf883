"""The tokens that open the account's WebSocket channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from simulator.dialects.kraken.words import INVALID_SESSION, Refused


@dataclass
class Tokens:
    """Tokens and until when (ms) a subscription may begin with them; it then lasts as long as its connection."""

    lifetime: int = 900
    """Seconds for which a new token is good."""
    _ends: dict[str, int] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def issue(self, now: int) -> str:
        """Return a new token."""
        self._ends = {token: ends for token, ends in self._ends.items() if ends > now}
        token = f"simulated-token-{next(self._numbers)}"
        self._ends[token] = now + self.lifetime * 1000
        return token

    def check(self, token: object, now: int) -> None:
        """Raise Refused unless ``token`` is one that has not expired."""
        if not isinstance(token, str) or self._ends.get(token, 0) <= now:
            raise Refused(INVALID_SESSION)
