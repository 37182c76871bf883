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


def test_time_that_the_kernel_takes_back_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum that fell would count as begun anew, with all that it ever had."""
    world, told = state(), psutil.cpu_times()
    source = HostSource(world)
    seen = []
    for idle in (1000.0, 999.5, 1000.25, 1001.0):
        monkeypatch.setattr(psutil, "cpu_times", lambda idle=idle: told._replace(idle=idle))
        source.read()
        seen.append(world.host.cpu["idle"])
    assert seen == [1000.0, 1000.0, 1000.25, 1001.0]


def test_a_processor_that_is_gone_takes_no_time_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What falls by more than is ever taken back goes on from where it was, as often as that happens."""
    world, told = state(), psutil.cpu_times()
    source = HostSource(world)
    seen = []
    for idle in (1000.0, 500.0, 510.0, 505.0, 506.0, 100.0, 101.0):
        monkeypatch.setattr(psutil, "cpu_times", lambda idle=idle: told._replace(idle=idle))
        source.read()
        seen.append(world.host.cpu["idle"])
    assert seen == [1000.0, 1000.0, 1010.0, 1010.0, 1011.0, 1011.0, 1012.0]


def test_a_network_card_that_is_gone_takes_no_traffic_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers bring cards and take them away; the sum of all goes on."""
    card, world = psutil.net_io_counters(), state()
    source = HostSource(world)
    seen = []
    for received in ((100, 50), (110,), (111,), (111, 5)):
        cards = {f"eth{n}": card._replace(bytes_recv=each, bytes_sent=0) for n, each in enumerate(received)}
        monkeypatch.setattr(psutil, "net_io_counters", lambda pernic, cards=cards: cards if pernic else card)
        source.read()
        seen.append(world.host.network_bytes["receive"])
    assert seen == [150, 150, 151, 156]


def test_it_can_be_switched_off() -> None:
    """Without it there is no such source."""
    world = state("host: {enabled: false}")
    assert not sources(world.config, world, Intake(world))
    assert list(sources(state().config, world, Intake(world))) == ["source/host"]
