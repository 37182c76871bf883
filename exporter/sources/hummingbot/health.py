"""How one bot is, as the parts of its source find it."""

from __future__ import annotations

from exporter.config import Hummingbot
from exporter.errors import EventError
from exporter.events import Event, Fill
from exporter.health import Health, describe
from exporter.intake import Intake
from exporter.sources.hummingbot.convert import Converter
from exporter.sources.trade_ids import TradeIds
from exporter.state.bots import BotState
from exporter.state.state import State

SOURCE = "hummingbot"


class Bot:
    """What the parts of one bot's source share."""

    def __init__(self, config: Hummingbot, state: State, intake: Intake) -> None:
        self.config = config
        self.state = state
        self.intake = intake
        self.convert = Converter(config)
        self.forget_trades()
        self.figures: BotState = state.bots.setdefault(config.name, BotState(SOURCE))
        secrets = config.mqtt.secrets.values() if config.mqtt else ()
        self._secrets = tuple(secret.read() for secret in secrets)

    def part(self, name: str = "") -> Health:
        """The health of a part; without a name, of the bot itself."""
        return Health("/".join(filter(None, ("bot", self.config.name, name))), self.state, self._secrets)

    def unknown(self, why: str) -> None:
        """Note that nobody can tell how the bot is."""
        self.figures.up = None
        self.part().unknown(why)

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
        return describe(error, self._secrets)
