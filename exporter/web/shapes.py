"""The shapes of ``/health`` and of errors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exporter.live.figures import Missing


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the exporter."""

    state: Annotated[Literal["up", "down"], msgspec.Meta(description="Whether it works now.")]
    score: Annotated[float, msgspec.Meta(description="Share of the last five minutes for which it was up, percent.")]
    detail: Annotated[str, msgspec.Meta(description="What keeps it from working.")]
    restarts: Annotated[
        int | msgspec.UnsetType,
        msgspec.Meta(description="How often it was begun anew after it failed; only of what is begun anew."),
    ] = msgspec.UNSET
    circuit: Annotated[
        Literal["closed", "open"] | msgspec.UnsetType,
        msgspec.Meta(description="Open: it failed so often that it is left alone, and tried from time to time."),
    ] = msgspec.UNSET


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the exporter is."""

    overall_status: Annotated[
        Literal["healthy", "degraded", "unhealthy"],
        msgspec.Meta(
            description="Unhealthy, with status 503, when a part of its own is down (source/…), else degraded."
        ),
    ]
    score: Annotated[
        float,
        msgspec.Meta(
            description="100, less health.critical_penalty for each part of its own and health.warning_penalty for "
            "each other one, times the share of the last five minutes for which it was down."
        ),
    ]
    services: Annotated[
        dict[str, Service] | None, msgspec.Meta(description="Each part; null without the token, where there is one.")
    ]
    missing: Missing


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong, and what to do."""

    message: Annotated[str, msgspec.Meta(description="In one sentence.")]
