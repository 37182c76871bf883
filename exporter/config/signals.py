"""The sections on what the user's own systems tell."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Section

Values = Annotated[int, msgspec.Meta(ge=10, le=100_000)]
Bins = Annotated[int, msgspec.Meta(ge=2, le=100)]


class Models(Section, frozen=True):
    """The newest ``window`` values of a feature are compared with its first ``reference`` ones, in ``bins``."""

    reference: Values = 1000
    window: Values = 1000
    bins: Bins = 10
