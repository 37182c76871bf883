"""Listens to a bot through its MQTT broker: is it there, and what does it do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import aiomqtt

from exporter.config import Mqtt
from exporter.errors import EventError, OverloadError
from exporter.events import Event
from exporter.health import Backoff
from exporter.sources.hummingbot.health import Bot
from exporter.sources.hummingbot.messages import Translator, decode

PART = "mqtt"
_TOPICS = ("events", "hb", "status_updates")
_NOT_LET_IN = (4, 5, 134, 135)  # of MQTT 3 and 5: bad username or password, not authorised
_MOST_WAITING = 100_000  # messages that wait for the journal


class Pulse:
    """Whether the bot lives: it does while it is heard of, and is gone when it says so or is silent too long.

    While nobody listens its silence says nothing; it begins anew with each subscription.
    """

    def __init__(self, bot: Bot, timeout: float) -> None:
        self._bot = bot
        self._timeout = timeout
        self._beat = asyncio.Event()
        self._listening = asyncio.Event()

    def listen(self) -> None:
        """Note that from now on the bot is heard, if it lives."""
        self._bot.unknown("nothing was heard of the bot yet")
        self._listening.set()
        self._beat.set()

    def deaf(self) -> None:
        """Note that nobody can tell how the bot is until `listen`."""
        self._listening.clear()
        self._bot.unknown("the broker is away")

    def heard(self) -> None:
        """Note a sign of life."""
        self._beat.set()
        self._bot.figures.up = True
        self._bot.seen(self._bot.state.clock())
        self._bot.part().works()

    def gone(self, why: str) -> None:
        """Note that the bot is not there."""
        self._bot.figures.up = False
        self._bot.part().failed(why)

    async def run(self) -> None:
        """Watch for silence until cancelled."""
        while True:
            await self._listening.wait()
            self._beat.clear()
            try:
                async with asyncio.timeout(self._timeout):
                    await self._beat.wait()
            except TimeoutError:
                if self._listening.is_set():
                    self.gone(
                        f"nothing was heard of the bot for {self._timeout:g} s; see whether it runs, with mqtt_bridge"
                    )


class Broker:
    """Keeps the subscription to one bot's topics.

    With a database, which is the record, its events only say that there is something to read: ``wake`` is
    called. Without one, they are what there is.
    """

    def __init__(self, bot: Bot, config: Mqtt, wake: Callable[[], None] | None) -> None:
        self._bot = bot
        self._config = config
        self._wake = wake
        self._translator = Translator(bot.convert, config.market or "")
        self._pulse = Pulse(bot, config.heartbeat_timeout)
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(_MOST_WAITING)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pulse.run())
            tasks.create_task(self._deliver())
            tasks.create_task(self._keep())

    async def _keep(self) -> None:
        """Connect again after each failure."""
        backoff = Backoff()
        while True:
            try:
                async with await self._client() as client:
                    await client.subscribe([(topic, 0) for topic in self._topics()])
                    backoff.reset()
                    self._bot.part(PART).works()
                    self._pulse.listen()
                    if self._wake is not None:
                        self._wake()  # what happened while nobody listened
                    async for message in client.messages:
                        self._heard(str(message.topic), message.payload)
            except Exception as error:  # one bot's trouble must not end the program
                self._bot.part(PART).failed(self._explain(error))
                self._pulse.deaf()
            await asyncio.sleep(backoff.next())

    async def _client(self) -> aiomqtt.Client:
        """A client that is not connected yet; reading certificates takes a thread."""
        config = self._config
        secrets = {name: secret.read() for name, secret in config.secrets.items()}
        context = await asyncio.to_thread(ssl.create_default_context, cafile=config.ca_file) if config.tls else None
        return aiomqtt.Client(
            config.host,
            config.port,
            username=secrets.get("username"),
            password=secrets.get("password"),
            tls_context=context,
            keepalive=15,
        )

    def _explain(self, error: Exception) -> str:
        config, text = self._config, self._bot.describe(error)
        if isinstance(error, aiomqtt.MqttCodeError) and getattr(error.rc, "value", error.rc) in _NOT_LET_IN:
            text += "; check username and password, and whether they may read the bot's topics"
        return f"the broker at {config.host}:{config.port}: {text}"

    def _topics(self) -> list[str]:
        """The topics that are listened to; hummingbot before 2026 wrote each dot of a name as a slash."""
        name = f"{self._config.namespace.rstrip('/.')}/{self._config.bot_id}"
        return [f"{prefix}/{topic}" for prefix in dict.fromkeys((name, name.replace(".", "/"))) for topic in _TOPICS]

    def _heard(self, topic: str, payload: Any) -> None:
        kind = topic.rpartition("/")[2]
        try:
            message = decode(payload)
            if kind == "status_updates" and message.get("type") == "availability" and message.get("msg") == "offline":
                self._pulse.gone("the bot said that it goes offline")
                return
            self._pulse.heard()
            if kind == "events":
                self._happened(message)
        except EventError as error:
            self._bot.reject(error)

    def _happened(self, message: dict[str, Any]) -> None:
        if self._wake is not None:
            self._wake()
            return
        event = self._translator.event(message)
        if event is None:
            return
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            text = f"{_MOST_WAITING} messages wait for the journal's disk already, so this one is lost"
            raise EventError("overflow", text) from None

    async def _deliver(self) -> None:
        """Hand on each event, again and again while the journal takes nothing: there is no second message of it."""
        backoff = Backoff(first=0.1)
        while True:
            event = await self._waiting.get()
            while True:
                try:
                    self._bot.accept(event)
                except OverloadError:
                    await asyncio.sleep(backoff.next())
                else:
                    backoff.reset()
                    break
