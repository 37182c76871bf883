"""The parts of the stack as the launcher starts them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psutil
import pytest
import yaml

from simulator.stack import components
from simulator.stack.components import Market, Replay
from simulator.stack.processes import ROOT, Component
from tests.stack.conftest import NewHarness
from tests.stack.harness import Listener, Options, eventually


async def test_prometheus_and_alertmanager_know_each_other(new_harness: NewHarness) -> None:
    """Prometheus finds the Alertmanager and its own targets at the ports of this run."""
    harness = await new_harness(Options())
    await harness.start("prometheus", "alertmanager")

    async def managers() -> list[str]:
        answer = await harness.get_json(f"{harness.url('prometheus')}/api/v1/alertmanagers")
        return [manager["url"] for manager in answer["data"]["activeAlertmanagers"]]

    assert await eventually(managers) == [f"{harness.url('alertmanager')}/api/v2/alerts"]

    async def scraped() -> dict[str, str] | None:
        answer = await harness.get_json(f"{harness.url('prometheus')}/api/v1/targets")
        found = {target["labels"]["job"]: target["scrapeUrl"] for target in answer["data"]["activeTargets"]}
        return found if len(found) == 3 else None

    assert await eventually(scraped) == {
        "trading-exporter": f"{harness.url('exporter')}/metrics",
        "alertmanager": f"{harness.url('alertmanager')}/metrics",
        "prometheus": f"{harness.url('prometheus')}/metrics",
    }


async def test_everything_listens_on_loopback_only(new_harness: NewHarness) -> None:
    """No part of the stack can be reached from another machine."""
    harness = await new_harness(Options())
    parts = ("simulator", "exporter", "prometheus", "alertmanager")
    await harness.start(*parts)
    for part in parts:
        sockets = psutil.Process(harness.stack.pid(part)).net_connections(kind="inet")
        listening = {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}, part


async def test_harness_reads_what_prometheus_stored(new_harness: NewHarness) -> None:
    """Once Prometheus has scraped the exporter its figures can be queried, now and over time."""
    options = Options(prometheus_overrides={"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}})
    harness = await new_harness(options)
    await harness.start("simulator", "exporter", "prometheus")
    [up] = await eventually(lambda: harness.prometheus_query('up{job="trading-exporter"} == 1'))
    assert up.value == 1
    [series] = await harness.prometheus_range("vector(2)", up.time, up.time + 2, 1)
    assert [sample.value for sample in series] == [2, 2, 2]
    assert "trading_build_info" in await harness.metrics()


async def test_messages_reach_local_channels(new_harness: NewHarness, listener: Listener) -> None:
    """With secrets and addresses of a listener, a critical alert reaches it in Slack's and PagerDuty's shape."""
    options = Options(
        secrets={"slack_url": f"{listener.url}/slack", "pagerduty_key": "0123456789abcdef"},
        channels={
            "slack": {"enabled": True},
            "pagerduty": {"enabled": True, "url": f"{listener.url}/pagerduty"},
        },
        alertmanager_overrides={"route": {"receiver": "critical", "group_wait": "0s", "routes": []}},
    )
    harness = await new_harness(options)
    await harness.start("alertmanager")
    alert = {"labels": {"alertname": "TradingTest", "exchange": "alpha", "severity": "critical"}}
    url = f"{harness.url('alertmanager')}/api/v2/alerts"
    async with harness.session.post(url, json=[alert], raise_for_status=True):
        pass
    await listener.wait_for(lambda message: message.path == "/slack" and "attachments" in message.body)
    page = await listener.wait_for(lambda message: message.path == "/pagerduty")
    assert page.body["routing_key"] == "0123456789abcdef"
    assert page.body["event_action"] == "trigger"


def test_committed_configuration_is_only_read(tmp_path: Path, binaries: dict[str, Path]) -> None:
    """Preparing a run writes below the run directory and changes nothing in the repository."""

    def state() -> dict[Path, tuple[int, int]]:
        folders = [ROOT / "prometheus", ROOT / "alertmanager"]
        files = [file for folder in folders for file in folder.rglob("*") if "__pycache__" not in str(file)]
        return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in files}

    before = state()
    components.prometheus(tmp_path, port=1, exporter_port=2, alertmanager_port=3)
    components.alertmanager(tmp_path, port=3, secrets={"slack_url": "http://127.0.0.1:1"})
    assert state() == before
    assert (tmp_path / "alertmanager" / "secrets" / "slack_url").read_text() == "http://127.0.0.1:1"


def test_secrets_of_the_user_do_not_reach_a_run(tmp_path: Path, binaries: dict[str, Path]) -> None:
    """A run without secrets has none, so that no test and no demo writes to a real channel."""
    components.alertmanager(tmp_path, port=1)
    secrets = tmp_path / "alertmanager" / "secrets"
    assert not secrets.exists() or not [file for file in secrets.iterdir() if file.suffix != ".md"]


def test_overrides_are_merged_by_key(tmp_path: Path, binaries: dict[str, Path]) -> None:
    """An override changes its key and leaves the neighbours; the exporter's file is valid YAML with it."""
    config = components.exporter_config(
        listen="127.0.0.1:1",
        simulator_url="http://127.0.0.1:2",
        market=Market(exchanges=("delta",), symbols=("ETH/USDT",)),
        overrides={"web": {"trusted_network": True}, "targets": {"market_data_age_seconds": 3}},
    )
    components.exporter(tmp_path, port=1, config=config)
    written = yaml.safe_load((tmp_path / "exporter" / "exporter.yml").read_text())
    assert written["web"] == {"listen": "127.0.0.1:1", "trusted_network": True}
    assert written["targets"] == {"market_data_age_seconds": 3}
    assert [exchange["name"] for exchange in written["exchanges"]] == ["delta"]
    assert "http://127.0.0.1:2/delta" in str(written["exchanges"][0]["ccxt"])


def test_replay_reaches_the_command_line(tmp_path: Path) -> None:
    """A recorded market is handed to the simulator with its files, symbol and speed."""
    replay = Replay(Path("/trades.csv"), Path("/quotes.csv"), "XRP/ETH", 2.5)
    command = " ".join(components.simulator(tmp_path, port=1, replay=replay).command)
    assert "--replay-trades /trades.csv --replay-quotes /quotes.csv" in command
    assert "--replay-symbol XRP/ETH --speed 2.5" in command


@pytest.mark.parametrize(("program", "port"), [("redis-server", "--port 7"), ("memcached", "--port=7")])
def test_cache_servers_run_only_where_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, port: str
) -> None:
    """A server that is on the PATH is used, on loopback and its port; else it is left out."""

    def made() -> Component | None:
        if program == "memcached":
            return components.memcached(port=7)
        return components.redis(tmp_path / "run", port=7)

    monkeypatch.setenv("PATH", str(tmp_path))
    assert made() is None
    installed = tmp_path / program
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    part = made()
    assert part is not None
    assert part.command[0] == str(installed)
    assert port in " ".join(part.command)
    assert "127.0.0.1" in " ".join(part.command)


def test_grafana_runs_only_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grafana is used under either of its names, with the home that is given, and else left out."""
    run, programs = tmp_path / "run", tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("GRAFANA_HOME", "/opt/grafana")
    assert components.grafana(run, port=3000, prometheus_url="http://127.0.0.1:9090") is None
    for name, arguments in (("grafana-server", []), ("grafana", ["server"])):
        program = programs / name
        program.write_text("#!/bin/sh\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        part = components.grafana(run, port=3000, prometheus_url="http://127.0.0.1:9090")
        assert part is not None
        assert part.command == (str(program), *arguments, "--homepath=/opt/grafana")
        assert part.environment["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
        assert os.fspath(run) in part.environment["GF_PATHS_DATA"]
