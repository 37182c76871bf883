"""How one node is: its component, its state, and the log."""

from __future__ import annotations

import logging

from exporter.config import Nautilus
from exporter.errors import EventError
from exporter.intake import Intake
from exporter.state.bots import BotState
from exporter.state.state import Component, State

log = logging.getLogger(__name__)

SOURCE = "nautilus"
_STARTING = Component().detail


class Node:
    """What is known of one node; a failure is logged when it begins and when it ends."""

    def __init__(self, config: Nautilus, state: State, intake: Intake) -> None:
        self.figures: BotState = state.bots.setdefault(config.name, BotState(SOURCE))
        self._config = config
        self._state = state
        self._intake = intake
        self._part = f"bot/{config.name}"
        self._component = state.components[self._part]
        self._secrets = tuple(secret.read() for secret in config.secrets.values())
        self._heartbeat: float | None = None
        self._refused: set[str] = set()

    def heard(self, ts: float, *, heartbeat: bool) -> None:
        """Note a sign of the node's work at Unix time ``ts``."""
        self.figures.last_seen = max(self.figures.last_seen or 0.0, ts)
        if heartbeat:
            self._heartbeat = max(self._heartbeat or 0.0, ts)

    def judge(self, *, has_streams: bool, base: str) -> None:
        """Redis answers: say how the node is."""
        if not has_streams:
            self.failed(f"there is no stream {base} yet; start the node, or correct trader_id and streams_prefix")
        elif self._heartbeat is None:
            self.figures.up = None
            self._works("it sends no heartbeat, so nobody can tell whether it runs; set heartbeat_interval_secs in it")
        elif (silent := self._state.clock() - self._heartbeat) > self._config.heartbeat_timeout:
            self.failed(f"no heartbeat for more than {self._config.heartbeat_timeout:g} s", f"{silent:.0f} s")
        else:
            self.figures.up = True
            self._works("")

    def failed(self, problem: str | BaseException, more: str = "") -> None:
        """Note that nothing can be said of the node, or that it is away."""
        text = problem if isinstance(problem, str) else self._describe(problem)
        self.figures.up = False
        begins = self._component.up or self._component.detail != text
        level = logging.WARNING if begins else logging.DEBUG
        log.log(level, "%s failed, retrying", self._part, extra={"detail": f"{text} {more}".strip()})
        self._component.up, self._component.detail = False, text

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

    def _works(self, detail: str) -> None:
        if not self._component.up and self._component.detail != _STARTING:
            log.info("%s works again", self._part)
        self._component.up, self._component.detail = True, detail

    def _describe(self, error: BaseException) -> str:
        """The failure in one line without secrets."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:300]
