"""One bot: its database, its messages, or both."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exporter.config import Hummingbot
from exporter.intake import Intake
from exporter.sources.hummingbot.health import Bot
from exporter.sources.hummingbot.record import Record
from exporter.state.state import State


class HummingbotSource:
    """Brings what one bot does into the intake until `run` is cancelled."""

    def __init__(self, config: Hummingbot, state: State, intake: Intake) -> None:
        self._config = config
        self._bot = Bot(config, state, intake)
        self._path = None if config.database is None else Path(config.database).expanduser()

    async def run(self) -> None:
        """Follow the bot; returns only by cancellation."""
        config = self._config
        record = None if self._path is None else Record(self._bot, self._path)
        async with asyncio.TaskGroup() as tasks:
            if record is not None:
                tasks.create_task(record.run())
            if config.mqtt is not None:
                from exporter.sources.hummingbot.broker import Broker  # noqa: PLC0415 - needs the MQTT client

                wake = None if record is None else record.wake
                tasks.create_task(Broker(self._bot, config.mqtt, wake).run())
