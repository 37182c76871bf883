"""The parts of the stack: for each a copy of its configuration with the real ports, its command, its address.

Everything that a part writes goes below the run directory; the committed configuration is only read.
"""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from simulator.dialects import ccxt_settings, dialect_of, name_of
from simulator.stack.binaries import find_binary
from simulator.stack.ports import LOOPBACK
from simulator.stack.processes import ROOT, Component

API_KEY, SECRET = "simulator", "simulator/secret"  # the simulator's own defaults, worth nothing
_KEYS = {"SIMULATOR_API_KEY": API_KEY, "SIMULATOR_SECRET": SECRET}

DEMO_JOURNAL = "/dev/shm/demo.journal"  # noqa: S108 - the container's own
"""The demo's journal ends with the exporter's container, since the simulated accounts begin anew with theirs: with a
journal that stays, balances and positions would differ by all that was traded before."""

EXPORTER_PORT, SIMULATOR_PORT, PROMETHEUS_PORT, ALERTMANAGER_PORT, GRAFANA_PORT = 9850, 9860, 9090, 9093, 3000

Settings = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Market:
    """The simulated exchanges, with a dialect as in ``gamma:kraken``, and what the maker trades there.

    ``rate_symbols`` convert its fees.
    """

    exchanges: tuple[str, ...] = ("alpha", "beta", "gamma:kraken")
    symbols: tuple[str, ...] = ("BTC/USDT",)
    rate_symbols: tuple[str, ...] = ("BNB/USDT",)
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded market for the simulator: files in the columns of the exchange's public dumps."""

    trades: Path
    quotes: Path
    symbol: str = "BTC/USDT"
    speed: float = 1.0

    def arguments(self) -> list[str]:
        """Give the simulator's command line options."""
        files = ["--replay-trades", str(self.trades), "--replay-quotes", str(self.quotes)]
        return [*files, "--replay-symbol", self.symbol, "--speed", str(self.speed)]


DEFAULT_MARKET = Market()


def local_url(port: int) -> str:
    """Give the address of a port on the loopback interface."""
    return f"http://{LOOPBACK}:{port}"


def simulator(
    run_dir: Path,
    *,
    port: int,
    market: Market = DEFAULT_MARKET,
    replay: Replay | None = None,
    more: Sequence[str] = (),
) -> Component:
    """Simulated exchanges; their logs of fills are ``fills/EXCHANGE.fills.ndjson`` in the run directory."""
    options = {
        "listen": f"{LOOPBACK}:{port}",
        "exchanges": ",".join(market.exchanges),
        "seed": market.seed,
        "log-dir": _folder(run_dir / "fills"),
    }
    recorded = replay.arguments() if replay else []
    return Component(
        name="simulator",
        command=(sys.executable, "-m", "simulator", "exchange", *_flags(options), *recorded, *more),
        url=local_url(port),
        ready_path="/control",
        environment=_KEYS,
    )


def maker(*, simulator_url: str, market: Market = DEFAULT_MARKET, more: Sequence[str] = ()) -> Component:
    """The market maker that trades on the simulated exchanges."""
    options = {
        "base-url": simulator_url,
        "exchanges": ",".join(market.exchanges),
        "symbols": ",".join(market.symbols),
    }
    return Component(
        name="maker",
        command=(sys.executable, "-m", "simulator", "maker", *_flags(options), *more),
        environment=_KEYS,
    )


def app(*, exporter_url: str, token: str, caches: Mapping[str, str] | None = None) -> Component:
    """The made-up API that reports to the exporter; `caches` are ``HOST:PORT`` by ``redis`` and ``memcached``."""
    return Component(
        name="app",
        command=(sys.executable, "-m", "simulator", "app", *_flags({"exporter-url": exporter_url, **(caches or {})})),
        environment={"EXPORTER_TOKEN": token},
    )


def redis(run_dir: Path, *, port: int) -> Component | None:
    """A Redis server that keeps nothing on disk; None when it is not on the PATH."""
    program = shutil.which("redis-server")
    if program is None:
        return None
    options = {"bind": LOOPBACK, "port": port, "save": "", "maxmemory": "16mb", "dir": _folder(run_dir / "redis")}
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return Component(name="redis", command=(program, *flags, "--maxmemory-policy", "allkeys-lru"))


def memcached(*, port: int) -> Component | None:
    """A memcached server; None when it is not on the PATH."""
    program = shutil.which("memcached")
    if program is None:
        return None
    command = (program, f"--listen={LOOPBACK}", f"--port={port}", "--memory-limit=16", f"--user={getpass.getuser()}")
    return Component(name="memcached", command=command)


def exporter_config(
    *,
    listen: str,
    simulator_url: str,
    market: Market = DEFAULT_MARKET,
    overrides: Settings | None = None,
    each_exchange: Settings | None = None,
) -> Settings:
    """The exporter's configuration for simulated exchanges; `overrides` are merged in, lists replaced.

    `each_exchange` is merged into every entry of ``exchanges``.
    """
    config: Settings = {
        "web": {"listen": listen},
        "currency": {"pegs": {"USDT": 1}},
        "exchanges": [
            {
                "name": name_of(exchange),
                "id": dialect_of(exchange).ccxt_id,
                "account": "main",
                "strategy": "maker",
                "symbols": list(market.symbols),
                "rate_symbols": list(market.rate_symbols),
                "api_key": {"env": "SIMULATOR_API_KEY"},
                "secret": {"env": "SIMULATOR_SECRET"},
                "ccxt": ccxt_settings(simulator_url, exchange),
                **(each_exchange or {}),
            }
            for exchange in market.exchanges
        ],
    }
    return _merged(config, overrides or {})


def demo_settings(market: Market = DEFAULT_MARKET, *, prometheus_url: str, alertmanager_url: str) -> dict[str, object]:
    """What the demo's exporter holds the maker's figures against, and whom it asks for what its pages show."""
    accounts = [f"{name_of(exchange)}/main" for exchange in market.exchanges]
    limits = {"symbol_usd": dict.fromkeys(market.symbols, 20_000), "total_usd": 50_000}
    return {
        "risk": {"sample_seconds": 10, "capital_usd": dict.fromkeys(accounts, 10_000), "limits": limits},
        "targets": {"loss_usd": 500},
        "upstream": {"prometheus": {"url": prometheus_url}, "alertmanager": {"url": alertmanager_url}},
        "pages": {"live": True, "public": True, "name": "Demo"},
    }


def compose_exporter_config() -> str:
    """The text of ``exporter.demo.yml``: the exporter of docker compose's demo, beside its `simulator`."""
    config = exporter_config(
        listen=f"0.0.0.0:{EXPORTER_PORT}",
        simulator_url=f"http://simulator:{SIMULATOR_PORT}",
        # It must listen for neighbouring containers; docker-compose.yml publishes it on loopback only.
        overrides={
            **demo_settings(
                prometheus_url=f"http://prometheus:{PROMETHEUS_PORT}",
                alertmanager_url=f"http://alertmanager:{ALERTMANAGER_PORT}",
            ),
            "web": {"trusted_network": True},
            "links": {
                "grafana": local_url(GRAFANA_PORT),
                "prometheus": local_url(PROMETHEUS_PORT),
                "alertmanager": local_url(ALERTMANAGER_PORT),
            },
            "journal": {"path": DEMO_JOURNAL},
            "push": {"tokens": [{"name": "app", "token": {"env": "SIMULATOR_PUSH_TOKEN"}}]},
        },
    )
    head = "# Written by 'make generate': the exporter on the simulated exchanges of docker compose's demo.\n"
    return head + yaml.safe_dump(config, sort_keys=False)


def exporter(run_dir: Path, *, port: int, config: Settings, environment: Mapping[str, str] | None = None) -> Component:
    """The exporter with `config`; `environment` is added to the simulator's keys, e.g. a wrong secret."""
    folder = _folder(run_dir / "exporter")
    path = folder / "exporter.yml"
    path.write_text(yaml.safe_dump({"journal": {"path": str(folder / "journal")}, **config}, sort_keys=False))
    return Component(
        name="exporter",
        command=(sys.executable, "-m", "exporter", "run", "--config", str(path)),
        url=local_url(port),
        ready_path="/",  # the one page that needs neither a token nor a working exchange
        environment={**_KEYS, **(environment or {})},
    )


def prometheus(  # noqa: PLR0913 - what it talks to, and what a test changes
    run_dir: Path,
    *,
    port: int,
    exporter_port: int,
    alertmanager_port: int,
    overrides: Settings | None = None,
    edit: Callable[[Path], None] | None = None,
    more: Sequence[str] = (),
) -> Component:
    """Prometheus with the committed rules, scraping the exporter and sending to the Alertmanager given.

    `overrides` are merged into its configuration, e.g. ``{"global": {"scrape_interval": "1s"}}``; `edit` is called with
    the folder of its configuration, to change the copies of the rules and targets there; `more` are further options.
    """
    folder = _copy("prometheus", run_dir)
    _override(folder / "prometheus.yml", overrides)
    ports = {"exporter": exporter_port, "alertmanager": alertmanager_port, "prometheus": port}
    for target in (folder / "targets").glob("*.yml"):
        target.write_text(yaml.safe_dump([{"targets": [f"{LOOPBACK}:{ports[target.stem]}"]}]))
    if edit is not None:
        edit(folder)
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": prometheus_data(run_dir),
        "web.listen-address": f"{LOOPBACK}:{port}",
        "web.external-url": local_url(port),
    }
    return Component(
        name="prometheus",
        command=(str(find_binary("prometheus")), *_flags(options), "--web.enable-lifecycle", *more),
        url=local_url(port),
        ready_path="/-/ready",
    )


def prometheus_data(run_dir: Path) -> Path:
    """Where Prometheus keeps what it scraped."""
    return run_dir / "prometheus-data"


def alertmanager(
    run_dir: Path,
    *,
    port: int,
    channels: Settings | None = None,
    secrets: Mapping[str, str] | None = None,
    overrides: Settings | None = None,
) -> Component:
    """Alertmanager as ``alertmanager/generate.py`` configures it for these `channels`; without any it tells nobody.

    `secrets` are file names in its folder ``secrets`` and texts. `overrides` are merged into its configuration, e.g.
    ``{"route": {"group_wait": "0s"}}``.
    """
    from alertmanager import channels as settings  # noqa: PLC0415 - a part of the checkout that no package contains
    from alertmanager import generate  # noqa: PLC0415

    folder = _copy("alertmanager", run_dir)
    wanted = _merged({"email": {"enabled": False}}, channels or {})
    (folder / "channels.yml").write_text(yaml.safe_dump(wanted, sort_keys=False))
    generate.write(settings.load(folder / "channels.yml"), folder)
    for name, text in (secrets or {}).items():
        (_folder(folder / "secrets") / name).write_text(text)
    _override(folder / "alertmanager.yml", overrides)
    options = {
        "config.file": folder / "alertmanager.yml",
        "storage.path": run_dir / "alertmanager-data",
        "web.listen-address": f"{LOOPBACK}:{port}",
        "web.external-url": local_url(port),
        "cluster.listen-address": "",  # alone; gossip would listen beyond loopback
    }
    return Component(
        name="alertmanager",
        command=(str(find_binary("alertmanager")), *_flags(options)),
        url=local_url(port),
        ready_path="/-/ready",
        folder=folder,  # the configuration names its secrets from there
    )


def grafana(run_dir: Path, *, port: int, prometheus_url: str) -> Component | None:
    """Grafana, provisioned, for anybody on this machine to look at; None when it is not on the PATH."""
    command = _grafana_command()
    if command is None:
        return None
    folder = _folder(run_dir / "grafana")
    settings = {
        "PATHS_DATA": folder / "data",
        "PATHS_LOGS": folder / "logs",
        "PATHS_PLUGINS": folder / "plugins",
        "PATHS_PROVISIONING": ROOT / "grafana" / "provisioning",
        "SERVER_HTTP_ADDR": LOOPBACK,
        "SERVER_HTTP_PORT": port,
        "AUTH_ANONYMOUS_ENABLED": "true",
        "SNAPSHOTS_EXTERNAL_ENABLED": "false",
        "DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": ROOT / "grafana" / "json" / "everyone" / "viewer.json",
        "ANALYTICS_REPORTING_ENABLED": "false",
        "ANALYTICS_CHECK_FOR_UPDATES": "false",
        "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    }
    own = {"PROMETHEUS_URL": prometheus_url, "TRADING_DASHBOARDS_PATH": str(ROOT / "grafana" / "json")}
    return Component(
        name="grafana",
        command=command,
        url=local_url(port),
        ready_path="/api/health",
        ready_seconds=90.0,
        environment={**own, **{f"GF_{name}": str(value) for name, value in settings.items()}},
    )


def _grafana_command() -> tuple[str, ...] | None:
    home = f"--homepath={os.environ.get('GRAFANA_HOME', '/usr/share/grafana')}"
    if found := shutil.which("grafana"):
        return found, "server", home
    if found := shutil.which("grafana-server"):
        return found, home
    return None


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _copy(name: str, run_dir: Path) -> Path:
    """Copy a committed folder afresh; secrets of the user's own installation stay where they are."""
    target = run_dir / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("secrets", "tests", "__pycache__"))
    return target


def _flags(options: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]


def _merged(base: Settings, changes: Settings) -> dict[str, object]:
    result = dict(base)
    for key, value in changes.items():
        inner = result.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(inner, value)
        else:
            result[key] = value
    return result


def _override(path: Path, changes: Settings | None) -> None:
    """Merge `changes` into a YAML file; without any, the file keeps its comments."""
    if changes:
        path.write_text(yaml.safe_dump(_merged(yaml.safe_load(path.read_text()), changes), sort_keys=False))
