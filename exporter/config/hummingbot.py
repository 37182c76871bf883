"""The section ``hummingbot``: bots of that program, known by their database, their MQTT messages, or both."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Hours, LabelValue, Seconds, Secret, Section, Symbol

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Topic = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Mqtt(Section, frozen=True):
    """The broker that the bot sends to. ``bot_id`` is hummingbot's ``instance_id``.

    ``market`` is the connector that the bot trades through; its messages do not name it. ``ca_file`` holds the
    certificates that the broker's is signed with, where the system does not know them. A bot is gone after
    ``heartbeat_timeout`` seconds without a word from it; it sends one every ten.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    bot_id: Topic
    port: Port = 1883
    namespace: Topic = "hbot"
    market: LabelValue | None = None
    username: Secret | None = None
    password: Secret | None = None
    tls: bool = False
    ca_file: str | None = None
    heartbeat_timeout: Seconds = 30.0

    @property
    def secrets(self) -> dict[str, Secret]:
        """Those secrets that are configured, by their key in the file."""
        named = {"username": self.username, "password": self.password}
        return {name: secret for name, secret in named.items() if secret is not None}


class Hummingbot(Section, frozen=True):
    """One bot. ``name`` is the label ``bot``.

    ``venues`` gives the label ``exchange`` of a connector, which is otherwise the connector's own name, and
    ``symbols`` the symbol of a trading pair, by ``PAIR`` or ``CONNECTOR:PAIR``. ``strategy`` is otherwise what
    the bot calls its own. ``backfill_hours`` is how far back the database is read, all of it when left out.
    """

    name: LabelValue
    enabled: bool = True
    database: str | None = None
    mqtt: Mqtt | None = None
    account: LabelValue = "default"
    strategy: LabelValue | None = None
    venues: dict[str, LabelValue] = {}
    symbols: dict[str, Symbol] = {}
    poll_interval: Seconds = 2.0
    backfill_hours: Hours | None = None
