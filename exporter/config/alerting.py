"""The sections on alerts that Alertmanager hands to us: ``incidents`` and ``sms``."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Count, Seconds, Secret, Section

Factor = Annotated[float, msgspec.Meta(ge=1, le=1000)]
Kept = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Incidents(Section, frozen=True):
    """Incidents are known when there is a ``token``, which Alertmanager sends; the last ``keep`` of them are kept.

    Alertmanager, which repeats itself, is taken for silent, and an alert for no longer firing, when nothing was heard
    within so many seconds. More than ``many`` open ones are increasing; more than ``spike_factor`` times as many in the
    last hour as in an hour of the day before are a spike.
    """

    enabled: bool = True
    token: Secret | None = None
    keep: Kept = 10_000
    heard_within: Seconds = 180.0
    many: Count = 10
    spike_factor: Factor = 2.0


class Sms(Section, frozen=True):
    """Texts are sent through ``urls``, addresses of apprise that are tried in order; the ``token`` is Alertmanager's.

    At most ``queue`` texts wait. After ``open_after`` failures in a row nothing is tried for ``open_for`` seconds.
    """

    enabled: bool = True
    token: Secret | None = None
    urls: list[Secret] = []
    queue: Count = 100
    request_timeout: Seconds = 20.0
    retry_after: Seconds = 1.0
    give_up_after: Seconds = 600.0
    open_after: Count = 5
    open_for: Seconds = 60.0
