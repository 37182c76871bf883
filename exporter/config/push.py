"""The section ``push``: who may send events, and how much at once."""

from __future__ import annotations

from msgspec import field

from exporter.config.base import Count, LabelValue, Seconds, Secret, Section

EVERY_ACCOUNT = "*/*"


class PushToken(Section, frozen=True):
    """What one bot, or a few that trust each other, send events with.

    ``accounts`` are patterns of ``exchange/account``, in which ``*`` stands for any text; without the key it is
    every account.
    """

    name: LabelValue
    token: Secret
    accounts: list[LabelValue] = field(default_factory=lambda: [EVERY_ACCOUNT])


class Push(Section, frozen=True):
    """Push is on when there are ``tokens``, unless switched off.

    The bounds are of one body, but ``max_in_flight`` of bodies at once.
    """

    enabled: bool = True
    tokens: list[PushToken] = []
    max_body_bytes: Count = 8 * 1024 * 1024
    max_decompressed_bytes: Count = 64 * 1024 * 1024
    max_events: Count = 250_000
    max_in_flight: Count = 16
    receive_timeout: Seconds = 60.0
