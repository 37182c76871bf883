"""What Alertmanager tells a webhook. https://prometheus.io/docs/alerting/latest/configuration/#webhook_config

Labels and annotations come from rules and from whatever the rules look at, bots and exchanges included: they are text
that nobody vouches for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

PLACES = (
    *("exchange", "account", "symbol", "currency", "bot", "app", "cache", "tier", "model", "feature", "slo", "signal"),
    *("resource", "target", "integration"),
)
"""The labels that say what an alert is about, in the order in which people are told them."""

Status = Literal["firing", "resolved"]


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert, which began at ``starts_at``; ``ends_at`` means something only when it is resolved."""

    status: Status
    labels: dict[str, str]
    starts_at: datetime
    fingerprint: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    annotations: dict[str, str] = {}
    ends_at: datetime | None = None

    @property
    def name(self) -> str:
        """What the rule is called."""
        return self.labels.get("alertname", "")


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """Alerts that are told together; it is firing while one of them is. ``group_key`` is the same each time."""

    status: Status
    alerts: list[Alert]
    group_key: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
    common_labels: dict[str, str] = {}
    common_annotations: dict[str, str] = {}


def where(labels: dict[str, str]) -> str:
    """What alerts with these labels are about, in a few words; empty where no label says it."""
    found = [labels[name] for name in PLACES if labels.get(name)]
    if not labels.get("exchange") and labels.get("instance"):
        found.append(labels["instance"])
    return " ".join(found)
