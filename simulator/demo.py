"""Everything at once on this machine: `python -m simulator.demo [--for SECONDS]`, or `make demo`.

Exit status: 0 when it ended as asked (Ctrl-C, or after SECONDS), 1 when a part cannot run (its log's last
lines are shown) or another demo uses the run directory, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import shutil
import signal
import sys
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from simulator.stack import BinaryNotFoundError, components, ensure_binaries
from simulator.stack.components import Market, Replay
from simulator.stack.ports import LOOPBACK, choose_port, free_port
from simulator.stack.processes import ROOT, Component, ComponentError, Stack, answers

DEFAULT_PORTS = {
    "exporter": components.EXPORTER_PORT,
    "simulator": components.SIMULATOR_PORT,
    "prometheus": components.PROMETHEUS_PORT,
    "alertmanager": components.ALERTMANAGER_PORT,
    "grafana": components.GRAFANA_PORT,
}
# A part that dies more often than this within the window will not get better by another start.
RESTARTS, RESTART_WINDOW_SECONDS = 3, 60.0
MARK = "demo.lock"
SUMMARY = "Simulated exchanges, a market maker, an API, the exporter, Prometheus, Alertmanager and Grafana."


class RunDirectoryError(RuntimeError):
    """The run directory is in use, or holds something else."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; ``seconds`` 0 means until Ctrl-C."""

    seconds: float
    run_dir: Path
    replay: Replay | None


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; gives the exit status described above."""
    options = _options(arguments)
    try:
        with _run_directory(options.run_dir):
            ensure_binaries(say)
            asyncio.run(_until_signal(options))
    except KeyboardInterrupt:
        say("stopped")
    except (BinaryNotFoundError, ComponentError, RunDirectoryError) as error:
        say(str(error))
        return 1
    return 0


def say(line: str) -> None:
    """Show one progress line."""
    print(f"demo: {line}", flush=True)


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m simulator.demo", description=SUMMARY)
    parser.add_argument("--for", type=_seconds, default=0.0, metavar="SECONDS", dest="seconds", help="then stop")
    parser.add_argument("--run-dir", type=Path, default=ROOT / ".demo", help="logs and data (default: .demo)")
    parser.add_argument(
        "--replay",
        nargs=2,
        type=_file,
        metavar=("TRADES", "QUOTES"),
        help="play a recorded market: CSV files in the columns of the exchange's public dumps",
    )
    parser.add_argument("--replay-symbol", default="BTC/USDT", help="what was recorded (default: BTC/USDT)")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast it is played (default: 1)")
    given = parser.parse_args(arguments)
    replay = None
    if given.replay:
        trades, quotes = given.replay
        replay = Replay(trades, quotes, given.replay_symbol, given.speed)
    return Options(given.seconds, given.run_dir.resolve(), replay)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        msg = f"{text!r} is not a number of seconds, such as 60 (make demo FOR=60)"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        msg = f"there is no file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path.resolve()


@contextlib.contextmanager
def _run_directory(folder: Path) -> Iterator[None]:
    """Hold the run directory, emptied, for this demo alone."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / MARK
    if not mark.exists() and any(folder.iterdir()):
        msg = f"{folder} holds files that are not from a demo; choose another --run-dir"
        raise RunDirectoryError(msg)
    with mark.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = "make demo ARGS='--run-dir /tmp/another-demo'"
            msg = f"a demo runs already in {folder}; end it, or give this one a folder of its own: {other}"
            raise RunDirectoryError(msg) from None
        for old in folder.iterdir():
            if old.is_dir():
                shutil.rmtree(old)
        yield


async def _until_signal(options: Options) -> None:
    """Run the stack until its time is up or a signal asks for the end."""
    work = asyncio.create_task(_run(options))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work
    say("stopped; everything that it started has ended")


async def _run(options: Options) -> None:
    ports = _ports()
    async with Stack(options.run_dir, say) as stack:
        parts = {part.name: part for part in _parts(options, ports)}
        await stack.start(parts.pop("simulator"))
        await stack.start(*parts.values())
        print(_table(options, ports, with_grafana="grafana" in parts), flush=True)
        try:
            async with asyncio.timeout(options.seconds or None):
                await _keep_alive(stack)
        except TimeoutError:
            say("time is up")
        finally:
            say("ending everything")


def _ports() -> dict[str, int]:
    ports = {}
    for name, default in DEFAULT_PORTS.items():
        ports[name] = choose_port(default)
        if ports[name] != default:
            say(f"port {default} is taken; {name} uses {ports[name]}")
    return ports


def _parts(options: Options, ports: dict[str, int]) -> list[Component]:
    """Everything, with secrets of this demo's own between those that tell each other something."""
    folder, simulator_url = options.run_dir, components.local_url(ports["simulator"])
    market = Market(symbols=(options.replay.symbol,)) if options.replay else components.DEFAULT_MARKET
    hears, pushes = (_secret(folder / "secrets" / name) for name in ("exporter_token", "push_token"))
    caches = _caches(folder)
    watchers = _watchers(folder, ports, hears.read_text())
    config = components.exporter_config(
        listen=f"{LOOPBACK}:{ports['exporter']}",
        simulator_url=simulator_url,
        market=market,
        overrides={
            **components.demo_settings(
                market,
                prometheus_url=components.local_url(ports["prometheus"]),
                alertmanager_url=components.local_url(ports["alertmanager"]),
            ),
            "links": {part.name: part.url for part in watchers},
            "incidents": {"token": {"file": str(hears)}},
            "push": {"tokens": [{"name": "app", "token": {"file": str(pushes)}}]},
            "caches": [{"name": name, "kind": name, "port": port} for name, (port, _) in caches.items()],
        },
    )
    exporter = components.exporter(folder, port=ports["exporter"], config=config)
    servers = {name: f"{LOOPBACK}:{port}" for name, (port, _) in caches.items()}
    return [
        components.simulator(folder, port=ports["simulator"], market=market, replay=options.replay),
        components.maker(simulator_url=simulator_url, market=market),
        *(server for _, server in caches.values()),
        components.app(exporter_url=exporter.url, token=pushes.read_text(), caches=servers),
        exporter,
        *watchers,
    ]


def _secret(path: Path) -> Path:
    """A file with a new secret that only its owner can read."""
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(token_hex(32))
    return path


def _caches(folder: Path) -> dict[str, tuple[int, Component]]:
    """The cache servers that are installed here, each on a port of its own."""
    ports = {name: free_port() for name in ("redis", "memcached")}
    made = {
        "redis": components.redis(folder, port=ports["redis"]),
        "memcached": components.memcached(port=ports["memcached"]),
    }
    return {name: (ports[name], server) for name, server in made.items() if server}


def _watchers(folder: Path, ports: dict[str, int], token: str) -> list[Component]:
    """What looks at the exporter; Alertmanager tells it of incidents with the token."""
    alertmanager = components.alertmanager(
        folder,
        port=ports["alertmanager"],
        channels={"exporter": {"url": components.local_url(ports["exporter"]), "incidents": True}},
        secrets={"exporter_token": token},
    )
    prometheus = components.prometheus(
        folder,
        port=ports["prometheus"],
        exporter_port=ports["exporter"],
        alertmanager_port=ports["alertmanager"],
    )
    grafana = components.grafana(folder, port=ports["grafana"], prometheus_url=prometheus.url)
    return [alertmanager, prometheus, *([grafana] if grafana else [])]


async def _keep_alive(stack: Stack) -> None:
    """Start again what dies; raises `ComponentError` when that does not help."""
    deaths: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=RESTARTS + 1))
    clock = asyncio.get_running_loop().time
    while True:
        name = await stack.wait_for_death()
        say(f"{name} died; the end of {stack.log_path(name)}:\n{stack.log_tail(name)}")
        times = deaths[name]
        times.append(clock())
        if len(times) > RESTARTS and times[-1] - times[0] < RESTART_WINDOW_SECONDS:
            msg = f"{name} died {len(times)} times within {RESTART_WINDOW_SECONDS:.0f} s; giving up"
            raise ComponentError(msg)
        await stack.restart(name)
        say(f"{name} runs again")


def _table(options: Options, ports: dict[str, int], *, with_grafana: bool) -> str:
    url = {name: components.local_url(port) for name, port in ports.items()}
    dashboard = f"{url['grafana']}/d/trading-trading"
    missing = "not on the PATH; install it and run this again, or 'make provision-dashboards' for one that runs"
    control = f"{url['simulator']}/control"
    alerts = "/alerts" if answers(url["prometheus"], "/alerts") else "/classic/alerts"  # Debian's has only those
    end = f"It ends by itself after {options.seconds:g} s." if options.seconds else "Ctrl-C ends everything."
    return f"""
  live          {url["exporter"]}/live
  public        {url["exporter"]}/public
  exporter      {url["exporter"]}/metrics
  Prometheus    {url["prometheus"]}{alerts}
  Alertmanager  {url["alertmanager"]}/api/v2/alerts
  Grafana       {dashboard if with_grafana else missing}
  simulator     {control}
  logs          {options.run_dir / "logs"}

Try: switch an exchange off, watch the alert TradingExchangeUnavailable, and switch it on again
  curl -X POST {control}/alpha/faults -d '{{"kind": "down"}}'
  curl -X DELETE {control}/alpha/faults
  curl -s {url["exporter"]}/metrics | grep ^trading_pnl_total
{end}
"""


if __name__ == "__main__":
    sys.exit(main())
