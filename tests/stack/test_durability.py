"""Nothing that was acknowledged is lost, and nothing counts twice, whatever ends the exporter.

The whole of it as its users run it: a process, real sockets, a real file.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter.client import Client
from exporter.journal import Journal
from exporter.journal.records import Sampled
from simulator import server
from simulator.engine.orders import Kind, OrderRequest, Side
from simulator.server import Simulator, wall_clock
from simulator.stack import components
from simulator.stack.processes import ComponentError, Stack
from tests.client import program
from tests.stack import exact, oracle
from tests.stack.exact import figures
from tests.stack.exporting import TOKEN, Exporter, Scrape, damaged
from tests.stack.harness import eventually
from tests.stack.senders import ACCOUNTS, LATER, LATER_USD, Bot, Event, Moments, load

ROUNDS = int(os.environ.get("KILLED_ROUNDS", "10"))
BOTS = 3
PEGS: dict[str, str | int] = {"USDT": 1}
CAPITAL = 1000
TOLERANCE = Fraction(1, 10**12)  # USD, or units of the base currency
KEPT = ("fill", "funding", "transfer", "balance")
FROM_FLOATS = Fraction(1, 10**6)  # where the exporter adds floats

Wanted = tuple[str, dict[str, str], Fraction]
"""Family, labels and value."""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as running:
        yield running


@pytest.mark.timeout(1800)
async def test_killed_at_random_moments_under_load(stack: Stack, session: aiohttp.ClientSession) -> None:
    """Whatever was acknowledged is in the books once, and what was not is there whole or not at all.

    Killed while it starts, while it works, and while it saves its state. A hundred times, in four minutes:
    ``KILLED_ROUNDS=100 make test ARGS='-s tests/stack/test_durability.py -k killed_at_random'``.
    """
    chance = random.Random(ROUNDS)
    bots = [Bot(f"venue{number}", number) for number in range(BOTS)]
    exporter = Exporter(stack, session, settings(bots))
    counts: Counter[str] = Counter()
    for number in range(1, ROUNDS + 1):
        await killed_in_a_moment(exporter, bots, chance, counts)
        if exporter.journal.exists():
            status, words = exporter.verify()
            assert status == 0, words
        if number % max(5, ROUNDS // 8) == 0 or number == ROUNDS:
            counts["compared"] += 1
            await compared(exporter, bots, counts)
    read = re.findall(r"the journal has (\d+) events; read in [\d.]+ s, (?:all its )?(\d+) records", exporter.log)
    counts["started from saved state"] = sum(int(one_by_one) < int(known) for known, one_by_one in read)
    print(dict(counts))
    assert counts["events acknowledged"] > 100 * ROUNDS
    assert counts["started from saved state"]
    assert "is damaged" not in exporter.log
    assert "Traceback" not in exporter.log


def settings(bots: Iterable[Bot]) -> dict[str, Any]:
    capital = {f"{bot.exchange}/{account}": CAPITAL for bot in bots for account in ACCOUNTS}
    journal = {"snapshot_seconds": 0.1}
    return {"currency": {"pegs": PEGS}, "journal": journal, "risk": {"capital_usd": capital}}


async def killed_in_a_moment(exporter: Exporter, bots: list[Bot], chance: random.Random, counts: Counter[str]) -> None:
    """One life of the exporter."""
    moments = Moments()
    async with exporter.starting():
        pushing = asyncio.create_task(load(bots, exporter, moments))
        kind = chance.choice(("starting", "working", "working", "saving"))
        if kind == "starting":
            await asyncio.sleep(chance.uniform(0.0, 1.0))
        else:
            async with asyncio.timeout(60):
                await moments.ready.wait()
            # The state is saved a second after the start, and again after each further one.
            await asyncio.sleep(chance.uniform(0.0, 0.5) if kind == "working" else chance.uniform(0.9, 1.3))
        counts[f"killed while {kind}"] += 1
        counts["killed before the first answer"] += not moments.ready.is_set()
        moments.down.set()
    await pushing


async def compared(exporter: Exporter, bots: list[Bot], counts: Counter[str]) -> None:
    """The journal, and the figures that the exporter makes of it, are what the bots sent; then all is sent again."""
    sent, acknowledged = [event for bot in bots for event in bot.sent], [e for bot in bots for e in bot.acknowledged]
    there = assert_whole_and_once(exporter, sent)
    missing = [event for event in acknowledged if identity(event) not in there]
    assert not missing
    counts["events arrived without an answer"] += len(there) - len(acknowledged)
    await exporter.start()
    await assert_figures(exporter, bots, [event for event in sent if identity(event) in there])
    await exporter.stop()
    await exporter.start()
    counts["batches sent again"] += sum(len(bot.unsure) for bot in bots)
    for bot in bots:
        await bot.send_again(exporter)
    counts["events acknowledged"] = len(sent)
    if counts["compared"] % 2:  # it may be stopped before what came late has found its place
        await exporter.stop()
        await exporter.start()
    await assert_figures(exporter, bots, sent, patience=8.0)
    await exporter.stop()
    assert assert_whole_and_once(exporter, sent) == {identity(event) for event in sent}


Identity = tuple[str, ...]


def identity(event: Event) -> Identity:
    name = event.get("trade_id") or event.get("funding_id") or event.get("transfer_id") or event["total"]
    return event["type"], event["exchange"], event["account"], event.get("symbol", ""), str(name)


def assert_whole_and_once(exporter: Exporter, sent: list[Event]) -> set[Identity]:
    """What the journal has is what was sent, to the last digit, and once; gives what it has."""
    known = {identity(event): event for event in sent}
    found = exporter.exported(*KEPT) if exporter.journal.exists() else []
    there = Counter(map(identity, found))
    for event in found:
        assert plain(known[identity(event)]).items() <= plain(event).items()
    # A balance has no identity of its own, so that it may be there as often as it was sent.
    assert [each for each, count in there.items() if count > 1 and each[0] != "balance"] == []
    return set(there)


def plain(event: Event) -> dict[str, Any]:
    """An event with its money as numbers, and its fees as a list."""
    numbers = {name: Fraction(event[name]) for name in ("price", "quantity", "amount", "total") if name in event}
    fees = [(fee["currency"], Fraction(fee["amount"])) for fee in exact.fees_of(event)]
    return event | numbers | {"fee": fees}


async def assert_figures(exporter: Exporter, bots: list[Bot], events: list[Event], *, patience: float = 0.0) -> None:
    """All that the books come to is what exact fractions make of the same events and prices.

    ``patience`` is how many seconds fills may take whose place in time has to be read from the journal.
    """
    present = [book for bot in bots for book in bot.prices_now()]
    now = max(book["ts"] for book in present)
    prices = exact.Prices((book for bot in bots for book in bot.books), {**PEGS, LATER: LATER_USD})
    wanted = expected(exact.results(events, prices, now), exact.transfers(events, prices))
    deadline = time.monotonic() + patience
    while differences := different(await with_prices(exporter, present), wanted):
        assert time.monotonic() < deadline, differences
        await asyncio.sleep(0.2)


async def with_prices(exporter: Exporter, books: list[Event]) -> Scrape:
    """A scrape right after these prices were told."""
    await exporter.push(books)
    return await exporter.scrape()


def expected(books: dict[exact.Key, exact.Result], moved: dict[tuple[str, str], Fraction]) -> list[Wanted]:
    """Each sample that there must be, with its value."""
    wanted: list[Wanted] = [("journal_up", {}, Fraction(1)), ("journal_salvaged", {}, Fraction(0))]
    equity: defaultdict[tuple[str, str], Fraction] = defaultdict(lambda: Fraction(CAPITAL), {})
    for place, amount in moved.items():
        equity[place] += amount
    for (exchange, account, symbol, strategy), book in books.items():
        labels = {"exchange": exchange, "account": account, "symbol": symbol, "strategy": strategy}
        wanted += [(name, labels | more, value) for name, more, value in figures(book)]
        wanted += [] if symbol == "LTC/USDT" else [("approximate_fills_total", labels, Fraction(0))]
        equity[exchange, account] += book.total
    return wanted + [("equity_usd", {"exchange": e, "account": a}, value) for (e, a), value in equity.items()]


def different(scrape: Scrape, wanted: list[Wanted]) -> list[str]:
    """What is not as it should be, in words."""
    found = [(name, labels, value, scrape.value(name, **labels)) for name, labels, value in wanted]
    return [
        f"{name}{labels}: {told and float(told)!r} instead of {float(value)!r}"
        for name, labels, value, told in found
        if told is None or abs(told - value) > (FROM_FLOATS if name == "equity_usd" else TOLERANCE)
    ]


# No answer before the disk has it.

SYNCED = 12


async def test_no_answer_without_a_sync(
    stack: Stack, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system calls show it: each fill is on disk by a sync that began after its request was read."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("NOT TESTED that an answer follows a sync: there is no strace; install it (Debian: strace)")
    log = stack.run_dir / "trace"
    exporter = Exporter(stack, session, {"currency": {"pegs": PEGS}}, under=(strace, *TRACE, "-o", str(log)))
    try:
        await exporter.start()
    except ComponentError as error:
        if "ptrace" in str(error):
            pytest.skip(f"NOT TESTED that an answer follows a sync: strace may not trace here: {error}")
        raise
    for number in range(SYNCED):
        await exporter.push([a_fill(number)])
    for number in range(SYNCED, 5 * SYNCED, 4):
        await asyncio.gather(*(exporter.push([a_fill(number + each)]) for each in range(4)))
    await exporter.stop()
    answers = list(synced_answers(log.read_text(errors="replace").splitlines()))
    assert answers == [True] * 5 * SYNCED


TRACE = ("-f", "-y", "-s", "32", "-e", "trace=recvfrom,recvmsg,read,sendto,sendmsg,write,writev,fdatasync,fsync")


ANSWER = re.compile(r"(?:sendto|sendmsg|writev?)\(\d+<(socket:[^>]*)>.*HTTP/1.1 200")


def a_fill(number: int) -> Event:
    return {
        **{"type": "fill", "exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": "maker"},
        **{
            "trade_id": str(number),
            "side": "buy",
            "price": "60000.5",
            "quantity": "0.001",
            "ts": round(time.time(), 3),
        },
    }


def synced_answers(lines: Iterable[str]) -> Iterator[bool]:
    """For each answer to a push, whether the WAL was synced between the reading of its request and the answer."""
    requests: dict[str, bool] = {}  # by socket: whether a sync that began after it has ended
    begun: dict[str, str] = {}
    syncing: dict[str, set[str]] = {}  # by thread: the requests that were read before its sync began
    for line in lines:
        thread, call = line.split(maxsplit=1)
        if re.match(r"f(data)?sync\(\d+<[^>]*-wal>", call):
            syncing[thread] = set(requests)
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
        elif "resumed>" in call:
            call = begun.pop(thread, "") + call.partition("resumed>")[2]
        if re.match(r"f(data)?sync\(", call) and call.endswith("= 0") and thread in syncing:
            requests |= dict.fromkeys(requests.keys() & syncing.pop(thread), True)
        elif (read := re.match(r"(?:recvfrom|recvmsg|read)\(\d+<(socket:[^>]*)>.*= [1-9]\d*$", call)) and (
            "POST /v1/events" in call or read[1] in requests
        ):
            requests[read[1]] = False  # also when more of it is read
        elif (sent := ANSWER.match(call)) and sent[1] in requests:
            yield requests.pop(sent[1])


# A journal that was cut, and the exchange that has it all on record.


@pytest.mark.parametrize("where", ["file", "wal"])
async def test_what_a_cut_journal_lost_comes_back_from_the_exchange(
    stack: Stack, session: aiohttp.ClientSession, where: str
) -> None:
    """The intact beginning is gone on with, the rest is read from the exchange's record, and nothing counts twice."""
    pegs = {**PEGS, "BNB": 600}  # the price of the fees' currency at the time of a lost fill would be lost with it
    async with server.running(exchanges=["alpha"], still=True) as simulator:
        exporter = Exporter(stack, session, watching(simulator, pegs))
        await exporter.start()
        await trade(simulator, 150)
        await eventually(lambda: has_all(exporter, simulator, pegs))
        await trade(simulator, 150)
        await eventually(lambda: has_all(exporter, simulator, pegs))
        await (exporter.stop() if where == "file" else exporter.kill())

        status, words = cut(exporter, where, 300)
        print(words)
        await trade(simulator, 20)  # while nobody looks

        await exporter.start()
        await eventually(lambda: has_all(exporter, simulator, pegs))
        await trade(simulator, 20)
        await eventually(lambda: has_all(exporter, simulator, pegs))
        scrape = await exporter.scrape()
        assert scrape.sum("duplicate_fills_total") == 0
        assert scrape.sum("journal_salvaged") == (where == "file")
        assert (status, len(damaged(exporter.journal))) == ((1, 1) if where == "file" else (0, 0))
        await exporter.stop()
        status, words = exporter.verify()
        assert status == 0, words
        assert len({fill["trade_id"] for fill in exporter.exported("fill")}) == len(exporter.exported("fill")) == 340
        await exporter.start()
        await eventually(lambda: has_all(exporter, simulator, pegs))


def watching(simulator: Simulator, pegs: dict[str, str | int]) -> dict[str, Any]:
    market = components.Market(exchanges=("alpha",))
    config = components.exporter_config(listen="", simulator_url=simulator.base_url, market=market)
    journal = {"snapshot_seconds": 2}
    return {"exchanges": config["exchanges"], "currency": {"pegs": pegs}, "journal": journal}


async def trade(simulator: Simulator, count: int) -> None:
    """Orders that take what is there, at prices that move, a few at a time so that the journal gets many rows."""
    venue = simulator.venues["alpha"].exchange
    for number in range(len(venue.fills), len(venue.fills) + count):
        price = 60_000 + number * 7 % 41
        simulator.quote("alpha", "BTC/USDT", str(price), str(price + 1))
        side = Side.SELL if number % 3 == 1 else Side.BUY
        venue.place(OrderRequest("BTC/USDT", side, Kind.MARKET, Decimal(1 + number % 4) / 1000), wall_clock())
        if number % 2:
            await asyncio.sleep(0.01)


async def has_all(exporter: Exporter, simulator: Simulator, pegs: dict[str, str | int]) -> bool:
    """Whether the books are what the exchange's own log comes to, in exact fractions."""
    fills = [fill | {"commission_mid": pegs["BNB"]} for fill in simulator.fills("alpha")]
    truth = oracle.truth(fills, str(simulator.market("alpha")["BTC/USDT"]["mid"]))
    labels = {"exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": "maker"}
    wanted = {
        "position_base": truth.position,
        "pnl_realized_usd": truth.realized,
        "pnl_unrealized_usd": truth.unrealized,
        "fees_usd_total": truth.fees,
        "pnl_total_usd": truth.total,
    }
    scrape = await exporter.scrape()
    if scrape.sum("fills_total") < len(fills):
        return False
    assert scrape.sum("fills_total") == len(fills)
    return different(scrape, [(name, labels, value) for name, value in wanted.items()]) == []


def cut(exporter: Exporter, where: str, fills: int) -> tuple[int, str]:
    """Cut pages off the end of a journal until some of its fills are gone; what ``journal verify`` says to it then."""
    file = exporter.journal if where == "file" else exporter.journal.with_name(f"{exporter.journal.name}-wal")
    for size in range(file.stat().st_size - 5000, 0, -8192):
        os.truncate(file, size)
        status, words = exporter.verify()
        if status:
            found = re.search(r"a start would go on with: \d+ rows with (\d+) records", words)
            assert found, words
            left = int(found[1])
        else:  # a WAL without its end is what a power cut leaves: what is whole of it counts
            assert where == "wal"
            left = len(exporter.exported("fill"))
        if 0 < left < fills:
            return status, words
    raise AssertionError("no fill is gone")


# Bots that use the client.

REPORTING = """
reports = Client(url, token=sys.argv[3], exchange="alpha", account="main", spool=spool)
for number in range(1_000_000):
    reports.fill(symbol="BTC/USDT", trade_id=f"{sys.argv[4]}-{number}", side="buy", price="60000.10", quantity="0.012")
    if number % 20 == 19:
        assert reports.flush(30, to_disk=True), reports.statistics
        print(number, flush=True)
"""
CLIENT_ROUNDS = 10


async def test_what_a_client_has_on_disk_arrives_once(stack: Stack, session: aiohttp.ClientSession) -> None:
    """Whichever of bot and exporter is killed, and when: what was flushed before is in the books, and once."""
    chance, spool = random.Random(3), stack.run_dir / "spool"
    exporter = Exporter(stack, session, {"currency": {"pegs": PEGS}})
    flushed: list[str] = []
    for life in range(CLIENT_ROUNDS):
        async with exporter.starting():
            with program.start(REPORTING, exporter.url, spool, TOKEN, life) as bot:
                assert bot.stdout
                await asyncio.to_thread(bot.stdout.readline)
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                if chance.random() < 0.5:
                    await exporter.kill()
                    await asyncio.sleep(chance.uniform(0.0, 0.3))
                    if chance.random() < 0.5:
                        await exporter.start()
                bot.kill()
                lines = (await asyncio.to_thread(bot.stdout.read)).splitlines()
            last = max([19, *map(int, lines)])
            flushed += [f"{life}-{number}" for number in range(last + 1)]
    await exporter.start()
    with Client(exporter.url, token=TOKEN, exchange="alpha", account="main", spool=spool) as reports:
        assert await asyncio.to_thread(reports.flush, 30)
        print(reports.statistics, len(flushed), "flushed")
    assert not list(spool.glob("*/*.ndjson"))
    found = Counter(fill["trade_id"] for fill in exporter.exported("fill"))
    assert not [name for name in flushed if found[name] != 1]
    assert max(found.values()) == 1
    assert (await exporter.scrape()).sum("fills_total") == len(found)
    assert Counter(map(exact_fill, exporter.exported("fill"))) == {("buy", "60000.10", "0.012"): len(found)}


def exact_fill(fill: Event) -> tuple[str, str, str]:
    return fill["side"], fill["price"], fill["quantity"]


# An orderly restart.

# What counts from the start of a process, or is of the present alone and comes with its next event.
ANEW = re.compile(
    "events_.*|event_lag_.*|push_.*|collector_duration_seconds|component_up|journal_(size_bytes|commit_duration_.*)"
    "|market_(spread|observed)_seconds_total|quote_spread_ratio|orders_open|markout_missing_total"
    "|balance_drift.*|reconciled_timestamp_seconds|host_.*|journal_disk_free_bytes"
)
HOUR = 3600


async def test_a_restart_changes_nothing(stack: Stack, session: aiohttp.ClientSession) -> None:
    """After an orderly end and a start under the same configuration all figures go on where they were."""
    bot = Bot("venue", 5)
    given = settings([bot])
    risk = given["risk"] | {"sample_seconds": HOUR, "horizon_seconds": HOUR, "confidence": [0.8]}
    exporter = Exporter(stack, session, given | {"risk": risk})
    earlier_samples(exporter.journal, bot)
    await exporter.start()
    await bot.send_some(exporter, 20)
    await exporter.push(other_events(bot))
    await drifting(exporter, bot, "100", "107")
    present = bot.prices_now()
    before = await with_prices(exporter, present)
    await exporter.stop()
    await exporter.start()
    after = await with_prices(exporter, present)
    changed = {name for (name, labels), value in before.samples.items() if after.samples.get((name, labels)) != value}
    assert not [name for name in changed if not ANEW.fullmatch(name)]
    families = {name for name, _ in before.samples}
    assert {"fills_total", "late_fills_total", "value_at_risk_usd", "drawdown_ratio", "orders_total"} <= families
    for name in ("duplicate_fills_total", "conflicting_fills_total", "late_fills_total", "orders_total"):
        assert after.sum(name) > 0, name
    await drifting(exporter, bot, "107")  # from the balance that the first process was told first


def earlier_samples(path: Path, bot: Bot) -> None:
    """A journal with as many samples of PnL as an estimate of risk takes, as an exporter wrote them before."""
    journal = Journal.open(path)
    for hours in range(60, 0, -1):
        for name in (("", ""), *((bot.exchange, account) for account in ACCOUNTS)):
            journal.append(Sampled(time.time() - hours * HOUR, *name, float(hours * 37 % 11), 1000.0))
    journal.close()


def other_events(bot: Bot) -> list[Event]:
    """Orders and quotes, a conflict, a repeat and a late fill."""
    head = {"exchange": bot.exchange, "account": "main", "symbol": "BTC/USDT", "strategy": "maker"}
    ts = time.time()
    order = {"type": "order", "side": "buy", "price": "60000", "quantity": "1", "ts": ts, **head}
    quote = {"type": "quote", "bid": 1, "bid_quantity": 1, "ask": 2, "ask_quantity": 1, "ts": ts, **head}
    fills = [event for event in bot.acknowledged if event["type"] == "fill"]
    return [
        *(order | {"order_id": str(number), "status": "open"} for number in range(4)),
        order | {"order_id": "1", "status": "canceled"},
        order | {"order_id": "2", "status": "filled"},
        order | {"order_id": "5", "status": "rejected", "reason": "no_funds"},
        quote,
        fills[0],
        fills[0] | {"quantity": "77"},
    ]


async def drifting(exporter: Exporter, bot: Bot, *totals: str) -> None:
    """Let the exchange report balances, of which the last is 7 more than the books expect since the very first."""
    labels = {"exchange": bot.exchange, "account": "second"}
    for total in totals:
        bot.reported = max(bot.reported, bot.acknowledged[-1]["ts"]) + 10  # no fill is near
        report = {"type": "balance", **labels, "currency": "XYZ", "total": total, "ts": bot.reported}
        await exporter.push([report])
        await eventually(lambda: is_reconciled(exporter, labels, bot.reported))
    assert (await exporter.scrape()).value("balance_drift", **labels, currency="XYZ") == 7


async def is_reconciled(exporter: Exporter, labels: dict[str, str], ts: float) -> bool:
    """Whether the report of this time was held against the books."""
    at = (await exporter.scrape()).value("reconciled_timestamp_seconds", **labels)
    return at == Fraction(repr(ts))
