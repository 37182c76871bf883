"""The section ``nautilus``: nodes of nautilus_trader, which write what they do to streams in Redis."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from exporter.config.base import Hours, LabelValue, Seconds, Secret, Section, Symbol

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
KeyPart = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^\S+$")]


class Nautilus(Section, frozen=True):
    """One node. ``name`` is the label ``bot``; times are in seconds, ``backfill_hours`` apart.

    ``trader_id``, ``instance_id`` and ``streams_prefix`` are the parts of the streams' names, as in nautilus's
    ``MessageBusConfig``; ``instance_id: "*"`` follows all starts of a node. ``venues``, ``accounts`` and ``symbols``
    give the labels ``exchange``, ``account`` and ``symbol`` of what nautilus calls a venue, an account and an
    instrument; ``contract_sizes`` belongs to ``symbols``. ``inferred_fills`` are those that nautilus makes up when
    it starts, to arrive at the position that the venue reports.
    """

    name: LabelValue
    enabled: bool = True
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] = "127.0.0.1"
    port: Port = 6379
    username: Secret | None = None
    password: Secret | None = None
    tls: bool = False
    ca_file: str | None = None
    trader_id: KeyPart | None = None
    instance_id: KeyPart | None = None
    streams_prefix: KeyPart = "stream"
    venues: dict[str, LabelValue] = {}
    accounts: dict[str, LabelValue] = {}
    symbols: dict[str, Symbol] = {}
    contract_sizes: dict[str, Decimal] = {}
    inferred_fills: bool = True
    balances: bool = True
    positions: bool = True
    request_timeout: Seconds = 5.0
    scan_interval: Seconds = 5.0
    heartbeat_timeout: Seconds = 30.0
    backfill_hours: Hours | None = None

    @property
    def secrets(self) -> dict[str, Secret]:
        """Those secrets that are configured, by their key in the file."""
        named = {"username": self.username, "password": self.password}
        return {name: secret for name, secret in named.items() if secret is not None}
