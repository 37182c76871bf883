"""The order in which tests begin."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has a time limit of its own takes long and begins first, so that nobody waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
