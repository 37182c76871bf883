"""How one bot is, as the parts of its source find it: components, the bot's state, and the log."""

from __future__ import annotations

import logging

from exporter.config import Hummingbot
from exporter.errors import EventError
from exporter.events import Event, Fill
from exporter.intake import Intake
from exporter.sources.hummingbot.convert import Converter
from exporter.sources.trade_ids import TradeIds
from exporter.state.bots import BotState
from exporter.state.state import State

log = logging.getLogger(__name__)

SOURCE = "hummingbot"


class Bot:
    """What the parts of one bot's source share; failures are logged once when they begin and once when they end."""

    def __init__(self, config: Hummingbot, state: State, intake: Intake) -> None:
        self.config = config
        self.state = state
        self.intake = intake
        self.convert = Converter(config)
        self.forget_trades()
        self.figures: BotState = state.bots.setdefault(config.name, BotState(SOURCE))
        secrets = config.mqtt.secrets.values() if config.mqtt else ()
        self._secrets = tuple(secret.read() for secret in secrets)
        self._failing: set[str] = set()  # parts whose failure was said

    def part(self, name: str = "") -> str:
        """The name of a part in `State.components`; without a name, the bot itself."""
        return "/".join(filter(None, ("bot", self.config.name, name)))

    def works(self, name: str = "") -> None:
        """Note that a part works, and say so if it did not."""
        if name in self._failing:
            self._failing.remove(name)
            log.info("%s works again", self.part(name))
        component = self.state.components[self.part(name)]
        component.up, component.detail = True, ""

    def failed(self, name: str, problem: str | BaseException) -> None:
        """Note that a part does not work; logged when it begins, not at each retry."""
        text = problem if isinstance(problem, str) else self.describe(problem)
        level = logging.DEBUG if name in self._failing else logging.WARNING
        log.log(level, "%s failed, retrying", self.part(name), extra={"detail": text})
        self._failing.add(name)
        component = self.state.components[self.part(name)]
        component.up, component.detail = False, text

    def unknown(self, why: str) -> None:
        """Note that nobody can tell how the bot is. That is no failure of its own, nor the end of one."""
        self.figures.up = None
        component = self.state.components[self.part()]
        component.up, component.detail = True, f"unknown: {why}"

    def forget_trades(self) -> None:
        """Begin anew to tell trades between two of the bot's own orders apart."""
        self._trade_ids = TradeIds(self.state.ledger, by_order=True)

    def accept(self, event: Event, *, redelivery: bool = False) -> None:
        """Hand on an event; `OverloadError` when it cannot be taken now."""
        event = self._trade_ids.of(event) if isinstance(event, Fill) else event
        self.intake.accept(event, SOURCE, redelivery=redelivery)

    def reject(self, error: EventError) -> None:
        """Count what cannot become an event."""
        self.intake.reject(error, SOURCE)

    def seen(self, when: float, strategy: str = "", market: str = "") -> None:
        """Note a sign of the bot's work at Unix time ``when``, and what it tells of itself."""
        figures = self.figures
        figures.last_seen = max(figures.last_seen or 0.0, when)
        figures.strategy = strategy or figures.strategy
        if market:
            figures.dry_run = "papertrade" in market.lower().replace("_", "")

    def describe(self, error: BaseException) -> str:
        """The failure in one line without secrets."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:300]
