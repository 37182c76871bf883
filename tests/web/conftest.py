"""An exporter that is told everything, and the Prometheus and Alertmanager that it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.standin import Standin
from tests.web.asking import Api, full_standin, knowing


@pytest.fixture
async def server() -> AsyncIterator[Standin]:
    async with full_standin() as running:
        yield running


@pytest.fixture
async def api(server: Standin, tmp_path: Path) -> AsyncIterator[Api]:
    async with knowing(server, tmp_path) as found:
        yield found
