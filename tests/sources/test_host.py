"""The machine as psutil sees it, from its source to the scrape."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from exporter.config import parse
from exporter.intake import Intake
from exporter.sources import sources
from exporter.sources.host import HostSource
from exporter.state.state import State


def state(more: str = "") -> State:
    return State(parse(f"web: {{listen: '127.0.0.1:0'}}\n{more}"))


def test_it_tells_what_psutil_tells(tmp_path: Path) -> None:
    """Sums lie between what psutil says before and after; memory and room on the journal's disk are there."""
    world = state(f"journal: {{path: {tmp_path / 'journal'}}}")
    before, host = psutil.cpu_times(), world.host
    HostSource(world).read()
    after = psutil.cpu_times()
    for mode in ("user", "system", "idle"):
        assert getattr(before, mode) <= host.cpu[mode] <= getattr(after, mode)
    assert "guest" not in host.cpu  # its seconds are in user already
    assert host.memory_bytes == psutil.virtual_memory().total
    assert host.memory_available_bytes is not None
    assert 0 < host.memory_available_bytes < host.memory_bytes
    assert host.boot == psutil.boot_time()
    assert host.journal_free_bytes is not None
    assert host.journal_free_bytes > 0


def test_the_loopback_is_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What programs of one machine say to each other does not count as traffic."""
    card = psutil.net_io_counters()
    cards = {"lo": card._replace(bytes_recv=99), "eth0": card._replace(bytes_recv=7, bytes_sent=3)}
    monkeypatch.setattr(psutil, "net_io_counters", lambda pernic: cards if pernic else card)
    world = state()
    HostSource(world).read()
    assert world.host.network_bytes == {"receive": 7, "transmit": 3}


def test_it_can_be_switched_off() -> None:
    """Without it there is no such source."""
    world = state("host: {enabled: false}")
    assert not sources(world.config, world, Intake(world))
    assert list(sources(state().config, world, Intake(world))) == ["source/host"]
