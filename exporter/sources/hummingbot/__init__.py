"""Bots of hummingbot: their database as the record, their MQTT messages as the quick way."""

from __future__ import annotations

from functools import partial

from exporter.config import Config
from exporter.errors import ServiceError
from exporter.intake import Intake
from exporter.sources import how_to_install
from exporter.sources.hummingbot.source import HummingbotSource
from exporter.state.state import OWN, State
from exporter.supervision import Makers

__all__ = ["sources"]


def sources(config: Config, state: State, intake: Intake) -> Makers:
    """One source for each bot. `ServiceError` when one has a broker and the MQTT client is not installed."""
    if any(bot.mqtt is not None for bot in config.hummingbot):
        _need_mqtt()
    return {f"{OWN}/hummingbot/{bot.name}": partial(HummingbotSource, bot, state, intake) for bot in config.hummingbot}


def _need_mqtt() -> None:
    try:
        import aiomqtt  # noqa: F401, PLC0415 - only what the configuration asks for has to be installed
    except ModuleNotFoundError as error:
        raise ServiceError(f"{error}; {how_to_install('hummingbot')}; or configure no mqtt") from None
