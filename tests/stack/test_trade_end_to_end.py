"""Recorded trades and quotes through simulator, ccxt, exporter and a real Prometheus, to the last digit."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import pytest

from simulator.stack.components import Market, Replay
from tests.stack import oracle
from tests.stack.conftest import NewHarness
from tests.stack.exporting import Scrape
from tests.stack.harness import Harness, Options, eventually

EXCHANGES = ("alpha", "beta")
TOLERANCE = Fraction(1, 10**9)  # USD
SPEED, SLOWER = 4.0, 2.0  # slower where the exporter is away for a while, so that enough is left to trade

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("is_killed", [False, True], ids=["undisturbed", "killed and started again"])
async def test_pnl_in_prometheus_equals_the_oracle(new_harness: NewHarness, recorded: Path, is_killed: bool) -> None:
    """After the replay, Prometheus has the PnL and its parts that exact fractions give for the simulator's own log.

    Also when the exporter is killed in the middle, with positions open, while the market goes on and the maker rests.
    """
    quotes = recorded / "BTCUSDT-bookTicker-2021-01-08.csv"
    speed = SLOWER if is_killed else SPEED
    harness = await new_harness(
        Options(
            market=Market(exchanges=EXCHANGES),
            replay=Replay(trades=recorded / "BTCUSDT-trades-2021-01-08.csv", quotes=quotes, speed=speed),
            simulator_arguments=("--replay-wait",),
            maker_arguments=("--stop-when-replay-ends",),
        )
    )
    await play(harness, is_killed=is_killed)
    for exchange in EXCHANGES:
        market = await harness.control(f"/{exchange}/market")
        mid = market["BTC/USDT"]["mid"]
        assert Fraction(mid) == last_mid(quotes)
        fills = oracle.read(harness.stack.run_dir / "fills" / f"{exchange}.fills.ndjson")
        print(f"{exchange}: {len(fills)} fills")
        assert_worth_testing(fills)
        await assert_prometheus_has(harness, exchange, oracle.truth(fills, mid), float(mid))


async def play(harness: Harness, *, is_killed: bool) -> None:
    """Run the whole replay, with everything that watches it in place before it begins."""
    await harness.start("simulator")
    await harness.start("exporter", "prometheus", "maker")
    await eventually(lambda: streams_up(harness))
    async with harness.session.post(f"{harness.url('simulator')}/control/replay/start", raise_for_status=True):
        pass
    if is_killed:
        await eventually(lambda: traded(harness))
        await harness.stack.stop("maker")
        await eventually(lambda: all_is_on_disk(harness))
        await harness.stack.restart("exporter", kill=True)
        await eventually(lambda: streams_up(harness))
        await harness.start("maker")
        assert (await harness.control())["replay"] == "running"
    await eventually(lambda: has_ended(harness), 120)


async def streams_up(harness: Harness) -> bool:
    """Whether all that the exporter follows, the fees' currency among it, has arrived at it."""
    scrape = Scrape(await harness.metrics())
    mids = [name for name, _ in scrape.samples if name == "market_mid_price"]
    return scrape.sum("exchange_stream_up") == 3 * len(EXCHANGES) and len(mids) == 2 * len(EXCHANGES)


async def traded(harness: Harness) -> bool:
    """Whether each exchange has a few fills, both ways."""
    logs = [await harness.get_json(f"{harness.url('simulator')}/control/{name}/fills") for name in EXCHANGES]
    return all(len({fill["side"] for fill in fills}) == 2 and len(fills) >= 4 for fills in logs)


async def all_is_on_disk(harness: Harness) -> bool:
    """Whether the exporter's journal has what was traded so far."""
    control, scrape = await harness.control(), Scrape(await harness.metrics())
    traded = [exchange["fills"] for exchange in control["exchanges"].values()]
    resting: int = sum(exchange["open_orders"] for exchange in control["exchanges"].values())
    is_known = scrape.sum("fills_total") == sum(traded) and not scrape.sum("journal_pending_records")
    return is_known and not resting


async def has_ended(harness: Harness) -> bool:
    """Whether the recording is over and the maker has withdrawn its orders."""
    control = await harness.control()
    resting = sum(exchange["open_orders"] for exchange in control["exchanges"].values())
    return bool(control["replay"] == "finished" and resting == 0)


def last_mid(quotes: Path) -> Fraction:
    with quotes.open() as file:
        last = list(csv.DictReader(file))[-1]
    return (Fraction(last["best_bid_price"]) + Fraction(last["best_ask_price"])) / 2


def assert_worth_testing(fills: list[dict[str, str]]) -> None:
    """The replay traded both ways, and its fees were paid in a token whose price moved."""
    assert len(fills) >= 10
    assert {fill["side"] for fill in fills} == {"buy", "sell"}
    assert {fill["commission_asset"] for fill in fills} == {"BNB"}
    assert len({fill["commission_mid"] for fill in fills}) > 1


async def assert_prometheus_has(harness: Harness, exchange: str, truth: oracle.Truth, mid: float) -> None:
    """Wait until Prometheus has scraped all fills and the last mid, then compare every figure."""

    async def scraped() -> bool:
        fills = await harness.prometheus_query(f'sum(trading_fills_total{{exchange="{exchange}"}})')
        market = f'trading_market_mid_price{{exchange="{exchange}",symbol="BTC/USDT"}}'
        mids = await harness.prometheus_query(market)
        return [sample.value for sample in (*fills, *mids)] == pytest.approx([truth.fills, mid], rel=1e-12)

    await eventually(scraped)
    expected = {
        "position_base": truth.position,
        "pnl_realized_usd": truth.realized,
        "pnl_unrealized_usd": truth.unrealized,
        "fees_usd_total": truth.fees,
        "pnl_total_usd": truth.total,
    }
    for name, value in expected.items():
        (sample,) = await harness.prometheus_query(f'trading_{name}{{exchange="{exchange}"}}')
        print(f"{exchange} {name}: Prometheus {sample.value!r}, off by {float(Fraction(sample.value) - value):.3g}")
        assert abs(Fraction(sample.value) - value) <= TOLERANCE, name
    await assert_parts_add_up(harness, exchange, truth)


async def assert_parts_add_up(harness: Harness, exchange: str, truth: oracle.Truth) -> None:
    """Each part of the PnL is what the log gives for it, and together they are the total that Prometheus has."""
    expected = {"spread": truth.spread, "inventory": truth.inventory, "fees": -truth.fees}
    parts = await harness.prometheus_query(f'trading_pnl_attribution_usd{{exchange="{exchange}"}}')
    assert {part.labels["component"] for part in parts} == {*expected, "currency", "rebates", "funding"}
    for part in parts:
        off = Fraction(part.value) - expected.get(part.labels["component"], 0)
        print(f"{exchange} {part.labels['component']}: Prometheus {part.value!r}, off by {float(off):.3g}")
        assert abs(off) <= TOLERANCE, part
    (total,) = await harness.prometheus_query(f'trading_pnl_total_usd{{exchange="{exchange}"}}')
    assert abs(sum(Fraction(part.value) for part in parts) - Fraction(total.value)) <= TOLERANCE
