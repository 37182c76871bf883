"""The command line: ``python -m simulator exchange``, ``maker`` and ``app``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from simulator.dialects import DIALECTS, dialect_of, name_of
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.instruments import KNOWN
from simulator.engine.replay import ReplayError
from simulator.maker import MakerSetup, make_markets
from simulator.server import Simulator
from simulator.setup import DEFAULT_KEY, DEFAULT_SECRET, Replay, Setup, SetupError
from simulator.web.credentials import Credentials

EXCHANGE_HELP = """\
One process and one port serve several exchanges, each under its own path and in its own dialect:

  http://HOST:PORT/alpha/api/v3/...       REST
  ws://HOST:PORT/alpha/stream/ws/0        market streams
  ws://HOST:PORT/alpha/ws-api/v3          the account's events

Behind a colon a name may have the dialect that its exchange speaks, as in gamma:kraken:

  http://HOST:PORT/gamma/0/...            REST; fees in quote currency
  ws://HOST:PORT/gamma/ws/v2              market data
  ws://HOST:PORT/gamma/ws-auth/v2         the account's events

And binanceusdm and binancecoinm are perpetual contracts settled in dollars and in coins:

  http://HOST:PORT/delta/fapi/v1/...      REST; /dapi/v1/... of those settled in coins
  ws://HOST:PORT/delta/public/ws/0        market data; /ws/0
  ws://HOST:PORT/delta/private/ws         the account's events; /ws/LISTENKEY

API key and secret come from SIMULATOR_API_KEY and SIMULATOR_SECRET (default: simulator, simulator/secret).

Faults are switched on and off while it runs:

  curl -X POST   HOST:PORT/control/alpha/faults -d '{"kind": "down"}'
  curl -X POST   HOST:PORT/control/alpha/faults -d '{"kind": "latency", "seconds": 2, "route": "myTrades"}'
  curl           HOST:PORT/control/alpha/faults
  curl -X DELETE HOST:PORT/control/alpha/faults

Kinds: down, latency, rate_limit, server_error, maintenance, timeout, disconnect, garbage, clock_skew,
duplicate_fills, late_fills, lost_fills. Each also takes route, probability, count and seconds_active.

A third party's trade:
  curl -X POST   HOST:PORT/control/alpha/trade -d '{"symbol": "BTC/USDT", "side": "sell", "quantity": "2"}'
Money that comes or goes, and funding of contracts:
  curl -X POST   HOST:PORT/control/alpha/movements -d '{"kind": "deposit", "asset": "USDT", "amount": "100"}'
  curl -X POST   HOST:PORT/control/delta/funding -d '{"symbol": "BTC/USDT:USDT", "rate": "0.0001"}'
Kinds: deposit, withdrawal, transfer. Each also takes fee, and is_done: false with POST .../movements/ID/finish later.

Also: GET /control, GET /control/alpha/fills, GET /control/alpha/market, POST /control/replay/start.

Examples:
  python -m simulator exchange --exchanges alpha,beta,gamma:kraken
  python -m simulator exchange --replay-trades trades.csv --replay-quotes bookTicker.csv --speed 5
  python -m simulator exchange --fee-asset received --maker-fee 0.0002 --maker-fee gamma=-0.00005
"""
EXCHANGES_HELP = f"names, each with the dialect it speaks, of {', '.join(DIALECTS)} (default alpha:binance)"
MAKER_HELP = """\
Quotes both sides around the mid on each exchange, leans against its inventory, and cancels all its orders
when it ends. An exchange that is down is tried again with growing pauses; the others go on.

Example:
  python -m simulator maker --base-url http://127.0.0.1:9860 --exchanges alpha,gamma:kraken --symbols BTC/USDT
"""
APP_HELP = """\
Makes up a trading system's own API and reports it to an exporter: requests, the caches that it looks its answers up in,
a model's predictions and what came true, figures of the business. The exporter has to know the token, which comes from
EXPORTER_TOKEN, under push.tokens.

Example:
  EXPORTER_TOKEN=… python -m simulator app --exporter-url http://127.0.0.1:9850 --redis 127.0.0.1:6379
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, 1 on failure, 2 on wrong usage."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    # Only ours: the libraries' own debug lines carry keys and signatures.
    logging.getLogger("simulator").setLevel(logging.DEBUG if options.verbose else logging.INFO)
    work = {"exchange": _serve, "maker": _make, "app": _report}[options.command]
    try:
        asyncio.run(_until_signalled(work(options)))
    except (SetupError, ReplayError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


async def _until_signalled(work: Coroutine[None, None, None]) -> None:
    """Run ``work``; SIGINT and SIGTERM cancel it, and it cleans up after itself."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _serve(options: argparse.Namespace) -> None:
    simulator = Simulator(_setup(options))
    host, port = options.listen
    await simulator.start(host, port)
    print(f"simulator ready on {simulator.base_url}", flush=True)
    try:
        await simulator.failed()
    finally:
        await simulator.stop()


async def _make(options: argparse.Namespace) -> None:
    await make_markets(
        MakerSetup(
            base_url=options.base_url,
            exchanges=options.exchanges,
            symbols=options.symbols,
            spread_bps=options.spread_bps,
            size=options.size,
            seed=options.seed,
            stop_when_replay_ends=options.stop_when_replay_ends,
            key=_credentials().key,
            secret=_credentials().secret,
        )
    )


async def _report(options: argparse.Namespace) -> None:
    from simulator.app import AppSetup, run_app  # noqa: PLC0415 - the others need no clients of caches

    await run_app(
        AppSetup(
            exporter_url=options.exporter_url,
            token=os.environ.get("EXPORTER_TOKEN", ""),
            requests_per_second=options.requests_per_second,
            redis=options.redis,
            memcached=options.memcached,
            seed=options.seed,
        )
    )


def _setup(options: argparse.Namespace) -> Setup:
    names = [name_of(exchange) for exchange in options.exchanges]
    _check_names({*options.maker_fee, *options.taker_fee, *options.fee_asset} - {""}, names)
    return Setup(
        exchanges=options.exchanges,
        symbols=options.symbols,
        seed=options.seed,
        replay=_replay(options),
        fees={name_of(exchange): _fees(options, exchange) for exchange in options.exchanges},
        credentials=_credentials(),
        log_dir=options.log_dir,
    )


def _fees(options: argparse.Namespace, exchange: str) -> FeeSchedule:
    """Return what one exchange takes: as asked for it, as asked for all, or as is usual there."""
    name, usual = name_of(exchange), dialect_of(exchange).fees

    def chosen(given: dict[str, Any], usually: Any) -> Any:
        return given.get(name, given.get("", usually))

    return FeeSchedule(
        maker=chosen(options.maker_fee, usual.maker),
        taker=chosen(options.taker_fee, usual.taker),
        asset=chosen(options.fee_asset, usual.asset),
    )


def _check_names(named: set[str], exchanges: Sequence[str]) -> None:
    unknown = sorted(named - set(exchanges))
    if unknown:
        msg = f"a fee is given for {unknown[0]}, but the exchanges are {', '.join(exchanges)}"
        raise SetupError(msg)


def _replay(options: argparse.Namespace) -> Replay | None:
    if options.replay_trades is None and options.replay_quotes is None:
        return None
    return Replay(
        symbol=options.replay_symbol,
        trades=options.replay_trades,
        quotes=options.replay_quotes,
        speed=options.speed,
        wait=options.replay_wait,
    )


def _credentials() -> Credentials:
    environment = os.environ.get
    return Credentials(environment("SIMULATOR_API_KEY", DEFAULT_KEY), environment("SIMULATOR_SECRET", DEFAULT_SECRET))


# -- the parser


class _PerExchange(argparse.Action):
    """Collects ``VALUE`` (all exchanges, under the empty name) and ``NAME=VALUE`` into a dict."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        name, _, value = str(values).rpartition("=")
        convert = FeeAsset if self.dest == "fee_asset" else _rate
        try:
            given = {**getattr(namespace, self.dest), name: convert(value)}
        except ValueError:
            expected = "BNB, quote or received" if self.dest == "fee_asset" else "a share such as 0.0002"
            parser.error(f"argument {option_string}: {value!r} is not {expected}")
        setattr(namespace, self.dest, given)


def _rate(value: str) -> Decimal:
    try:
        rate = Decimal(value)
    except InvalidOperation:
        raise ValueError(value) from None
    if not -1 < rate < 1:
        raise ValueError(value)
    return rate


def _address(value: str) -> tuple[str, int]:
    host, separator, port = value.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        msg = f"{value!r} is not HOST:PORT, such as 127.0.0.1:9860 (port 0: a free one)"
        raise argparse.ArgumentTypeError(msg)
    return host, int(port)


def _names(value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not names:
        msg = "give at least one name, several separated by commas"
        raise argparse.ArgumentTypeError(msg)
    return names


def _exchange_names(value: str) -> tuple[str, ...]:
    exchanges = _names(value)
    for exchange in exchanges:
        name = name_of(exchange)
        if name == "control" or not name.replace("-", "").replace("_", "").isalnum():
            msg = f"{name!r} cannot name an exchange: use letters, digits, - and _ (and not 'control')"
            raise argparse.ArgumentTypeError(msg)
        try:
            dialect_of(exchange)
        except LookupError as error:
            raise argparse.ArgumentTypeError(error.args[0]) from error
    return exchanges


def _positive(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        msg = f"{value!r} is not a number above 0"
        raise argparse.ArgumentTypeError(msg)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="Simulated exchanges, a maker, an API.")
    parser.add_argument("--verbose", action="store_true", help="log more")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{exchange,maker,app}")
    _exchange_options(_command(commands, "exchange", "serve simulated exchanges", EXCHANGE_HELP))
    _maker_options(_command(commands, "maker", "make markets on simulated exchanges", MAKER_HELP))
    _app_options(_command(commands, "app", "make up an API and report it to an exporter", APP_HELP))
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, epilog: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _exchange_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--listen", type=_address, default=("127.0.0.1", 9860), metavar="HOST:PORT", help="default 127.0.0.1:9860")
    add("--exchanges", type=_exchange_names, default=("alpha",), metavar="A,B[:DIALECT]", help=EXCHANGES_HELP)
    add("--symbols", type=_names, default=tuple(KNOWN), metavar="S,T", help=f"default {','.join(KNOWN)}")
    add("--seed", type=int, default=7, help="of the synthetic markets (default 7)")
    add("--fee-asset", action=_PerExchange, default={}, metavar="[NAME=]WHERE", help="BNB (default), quote, received")
    add("--maker-fee", action=_PerExchange, default={}, metavar="[NAME=]RATE", help="default 0.0002; < 0: a rebate")
    add("--taker-fee", action=_PerExchange, default={}, metavar="[NAME=]RATE", help="default 0.001")
    add("--log-dir", type=Path, metavar="DIR", help="append each fill to DIR/{exchange}.fills.ndjson")
    replay = parser.add_argument_group("replay of public dump files, on all exchanges (CSV, also .gz or .zip)")
    add = replay.add_argument
    add("--replay-trades", type=Path, metavar="CSV", help="id,price,qty,quote_qty,time,is_buyer_maker")
    add("--replay-quotes", type=Path, metavar="CSV", help="best_bid_price,...; without it, quotes follow the trades")
    add("--replay-symbol", default="BTC/USDT", metavar="SYMBOL", help="default BTC/USDT")
    add("--speed", type=_positive, default=1.0, help="times faster than recorded (default 1)")
    add("--replay-wait", action="store_true", help="start at POST /control/replay/start instead of at once")


def _maker_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--base-url", default="http://127.0.0.1:9860", metavar="URL", help="of the simulator")
    add("--exchanges", type=_exchange_names, default=("alpha",), metavar="A,B[:DIALECT]", help=EXCHANGES_HELP)
    add("--symbols", type=_names, default=("BTC/USDT",), metavar="S,T", help="default BTC/USDT")
    add("--spread-bps", type=_positive, default=4.0, help="between its bid and its ask (default 4)")
    add("--size", type=_positive, default=0.01, help="of an order, in BTC's worth of base currency (default 0.01)")
    add("--seed", type=int, default=1, help="varies sizes and pauses (default 1)")
    add("--stop-when-replay-ends", action="store_true", help="cancel all and exit 0 when the replay has ended")


def _app_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--exporter-url", default="http://127.0.0.1:9850", metavar="URL", help="of the exporter")
    add("--requests-per-second", type=_positive, default=20.0, metavar="N", help="how busy it is (default 20)")
    for name in ("redis", "memcached"):
        add(f"--{name}", type=_server, default="", metavar="HOST:PORT", help=f"a {name} server to look answers up in")
    add("--seed", type=int, default=1, help="varies what happens (default 1)")


def _server(value: str) -> str:
    _address(value)
    return value
