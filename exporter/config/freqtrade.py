"""The section ``freqtrade``: bots of that program, watched through their REST server."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import LabelValue, Seconds, Secret, Section

Days = Annotated[float, msgspec.Meta(ge=0, le=36_500)]


class Freqtrade(Section, frozen=True):
    """One bot. ``name`` is the label ``bot``; times are in seconds, ``backfill_days`` apart.

    ``exchange``, ``account`` and ``strategy`` are labels of what the bot trades. Left out they are what the bot
    says: its exchange, the account ``default`` (``dry-run-NAME`` where it only pretends, since each such bot has a
    wallet of its own), and each trade's strategy.
    """

    name: LabelValue
    url: Annotated[str, msgspec.Meta(max_length=500)]
    username: Secret
    password: Secret
    enabled: bool = True
    ws_token: Secret | None = None
    exchange: LabelValue | None = None
    account: LabelValue | None = None
    strategy: LabelValue | None = None
    fills: bool = True
    balances: bool = True
    poll_interval: Seconds = 5.0
    request_timeout: Seconds = 10.0
    stuck_after: Seconds = 300.0
    backfill_days: Days = 3650.0

    @property
    def reports(self) -> bool:
        """Whether it says what its account holds, for that to be compared with the books."""
        return self.fills and self.balances

    @property
    def secrets(self) -> dict[str, Secret]:
        """Those secrets that are configured, by their key in the file."""
        named = {"username": self.username, "password": self.password, "ws_token": self.ws_token}
        return {name: secret for name, secret in named.items() if secret is not None}
