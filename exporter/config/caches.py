"""The section ``caches``: servers that are asked what they count."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exporter.config.base import LabelValue, Seconds, Secret, Section

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class CacheServer(Section, frozen=True):
    """One server. ``name`` is the label ``cache``; times are in seconds.

    ``tier`` and ``port`` are those that are usual for the kind unless given. Memcached has neither user nor TLS here.
    """

    name: LabelValue
    kind: Literal["redis", "memcached"]
    enabled: bool = True
    tier: LabelValue | None = None
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] = "127.0.0.1"
    port: Port | None = None
    username: Secret | None = None
    password: Secret | None = None
    tls: bool = False
    ca_file: str | None = None
    poll_interval: Seconds = 5.0
    request_timeout: Seconds = 2.0

    @property
    def label(self) -> tuple[str, str]:
        """The labels ``cache`` and ``tier``."""
        return self.name, self.tier or {"redis": "l3", "memcached": "l2"}[self.kind]

    @property
    def secrets(self) -> dict[str, Secret]:
        """Those secrets that are configured, by their key in the file."""
        named = {"username": self.username, "password": self.password}
        return {name: secret for name, secret in named.items() if secret is not None}
