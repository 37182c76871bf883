"""How one node is, and the Redis that it writes to."""

from __future__ import annotations

import logging

from exporter.config import Nautilus
from exporter.errors import EventError
from exporter.health import Health
from exporter.intake import Intake
from exporter.state.bots import BotState
from exporter.state.state import State

log = logging.getLogger(__name__)

SOURCE = "nautilus"


class Node:
    """What is known of one node. While its Redis is away nobody can tell, and silence then counts anew."""

    def __init__(self, config: Nautilus, state: State, intake: Intake) -> None:
        self.figures: BotState = state.bots.setdefault(config.name, BotState(SOURCE))
        self._config = config
        self._state = state
        self._intake = intake
        secrets = tuple(secret.read() for secret in config.secrets.values())
        self._node = Health(f"bot/{config.name}", state)
        self._redis = Health(f"bot/{config.name}/redis", state, secrets)
        self._is_away = False
        self._heard = float("-inf")  # Unix time of the last heartbeat
        self._reached = float("-inf")  # and since when Redis has answered, where it once did not
        self._refused: set[str] = set()

    def heard(self, ts: float, *, heartbeat: bool) -> None:
        """Note a sign of the node's work at Unix time ``ts``."""
        self.figures.last_seen = max(self.figures.last_seen or 0.0, ts)
        if heartbeat:
            self._heard = max(self._heard, ts)

    def away(self, error: BaseException) -> None:
        """Note that Redis does not answer, or not with streams."""
        self._is_away = True
        self._redis.failed(error)
        self._unknown("its Redis does not tell")

    def judge(self, *, has_streams: bool, base: str) -> None:
        """Redis answers: say how the node is."""
        self._redis.works()
        now, timeout = self._state.clock(), self._config.heartbeat_timeout
        if self._is_away:
            self._is_away, self._reached = False, now
        if not has_streams:
            self._gone(f"there is no stream {base} yet; start the node, or correct trader_id and streams_prefix")
        elif now - self._heard <= timeout:
            self.figures.up = True
            self._node.works()
        elif self._heard == float("-inf"):
            self._unknown("it sends no heartbeat; set heartbeat_interval_secs in it")
        elif now - self._reached <= timeout:
            self._unknown("no heartbeat yet since Redis is back")
        else:
            self._gone(f"no heartbeat for more than {timeout:g} s")

    def missed(self, count: int) -> None:
        """Note messages that were removed from Redis before they could be read."""
        self.figures.missed += count
        text = "%s: %d messages left Redis before they were read, fills may be missing; raise autotrim_mins"
        log.warning(text, self._config.name, count)

    def reject(self, error: EventError, what: str = "") -> None:
        """Count what cannot be taken; of an unknown instrument each is said once."""
        if error.reason != "instrument":
            self._intake.reject(error, SOURCE)
            return
        self._state.intake.rejected[error.reason] += 1
        if what not in self._refused:
            self._refused.add(what)
            log.error("%s: %s", self._config.name, error)

    def _unknown(self, why: str) -> None:
        self.figures.up = None
        self._node.unknown(why)

    def _gone(self, why: str) -> None:
        self.figures.up = False
        self._node.failed(why)
