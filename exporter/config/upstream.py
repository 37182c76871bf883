"""The section ``upstream``: Prometheus and Alertmanager, which the HTTP API asks for what rules decide."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Seconds, Secret, Section


class Server(Section, frozen=True):
    """One of them; with a login or a ``bearer_token`` where it, or the proxy before it, wants one."""

    url: Annotated[str, msgspec.Meta(max_length=500)]
    enabled: bool = True
    username: Secret | None = None
    password: Secret | None = None
    bearer_token: Secret | None = None

    @property
    def secrets(self) -> dict[str, Secret]:
        """Those secrets that are configured, by their key in the file."""
        named = {"username": self.username, "password": self.password, "bearer_token": self.bearer_token}
        return {name: secret for name, secret in named.items() if secret is not None}


class Upstream(Section, frozen=True):
    """Each is asked every ``interval`` seconds, if it is there; an answer has ``request_timeout`` seconds."""

    prometheus: Server | None = None
    alertmanager: Server | None = None
    interval: Seconds = 5.0
    request_timeout: Seconds = 2.0
