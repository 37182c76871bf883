"""The ``trading-exporter`` command."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from exporter import __version__, logs, replay
from exporter.config import Config, Exchange, load
from exporter.errors import ConfigError, ServiceError
from exporter.journal import commands
from exporter.service import run
from exporter.sources import known_exchanges, lacking
from exporter.stopping import Stop

log = logging.getLogger(__name__)

OK, FAILED, BAD_CONFIG = 0, 1, 2

_DESCRIPTION = "Prometheus exporter for trading bots and market makers."
_EPILOG = """\
first steps:
  cp exporter.example.yml exporter.yml        name your exchange and its symbols
  export BINANCE_API_KEY=… BINANCE_SECRET=…   read-only keys are enough
  trading-exporter check --config exporter.yml   connects to nothing
  trading-exporter run --config exporter.yml
  curl http://127.0.0.1:9850/metrics

exit status: 0 stopped as asked, 1 could not run, 2 the configuration or the command line is wrong
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "journal":
        return commands.run(options, replay.lines, replay.worth)
    try:
        config = load(options.config, known_exchanges)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return BAD_CONFIG
    except ServiceError as error:
        print(error, file=sys.stderr)
        return FAILED
    return _check(config, options.config) if options.command == "check" else _run(config)


def _check(config: Config, path: Path) -> int:
    if missing := lacking(config):
        for line in missing:
            print(f"{path}: {line}", file=sys.stderr)
        return FAILED
    accounts = [_account(exchange) for exchange in config.exchanges]
    bots = [bot.name for kind in (config.freqtrade, config.hummingbot, config.nautilus) for bot in kind]
    senders = [token.name for token in config.push.tokens]
    named = {"accounts (and symbols)": accounts, "bots": bots, "may push": senders}
    found = "; ".join(f"{what}: {', '.join(names)}" for what, names in named.items() if names)
    if found:
        print(f"{path}: good: {found}")
    else:
        print(f"{path}: good, but it names no exchange, no bot and no token to push with: nothing will be watched")
    return OK


def _account(exchange: Exchange) -> str:
    symbols = len(exchange.symbols)
    what = f"{symbols}, no keys: market data only" if symbols and not exchange.has_keys else str(symbols)
    return f"{exchange.name}/{exchange.account} ({what})"


def _run(config: Config) -> int:
    logs.set_up(config)
    stop = Stop()
    stop.listen()
    try:
        asyncio.run(run(config, stop))
    except ServiceError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all, a traceback would bury it
        return FAILED
    except Exception:
        log.exception("the exporter ended by a fault")
        return FAILED
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trading-exporter",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("run", "export metrics until stopped"),
        ("check", "say what is wrong with a configuration, without connecting to anything"),
    ):
        command = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="the YAML configuration")
    commands.add_parser(verbs)
    return parser
