"""The order in which tests begin, and what holds for all of them."""

from __future__ import annotations

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has a time limit of its own takes long and begins first, so that nobody waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
