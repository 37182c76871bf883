"""What an account holds: balances beside the books, and the money that comes and goes other than by trading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ccxt.base.errors import BadRequest, PermissionDenied

from exporter.config import Exchange
from exporter.errors import EventError, OverloadError
from exporter.events import BookKey
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.sources.ccxt import client as instrumented
from exporter.sources.ccxt import convert
from exporter.sources.ccxt.account import AccountReader
from exporter.sources.ccxt.history import Fills
from exporter.sources.ccxt.link import Link
from exporter.sources.ccxt.wallets import Wallets
from exporter.state.state import State
from simulator.server import Simulator
from tests.builders import T0, config, fill
from tests.sources.conftest import SYMBOL, Watched, exchange_config, settled, watching

ALPHA = Exchange(name="alpha", id="binance", account="main", strategy="maker", symbols=[SYMBOL])


@pytest.fixture
async def reconciled(simulator: Simulator, keys: None) -> AsyncIterator[Watched]:
    """An exporter that has compared alpha's balances, and does so each second."""
    async with watching(exchange_config(simulator, reconcile_interval=1.0, backfill_interval=1.0)) as exporter:
        await settled(exporter)
        await exporter.until("balance_drift", 0, currency="USDT")
        yield exporter


async def compared(exporter: Watched) -> list[float]:
    """Every drift that is told until balances were read and compared anew."""
    before, drifts = await exporter.value("reconciled_timestamp_seconds") or 0.0, []
    for _ in range(200):
        samples = await exporter.samples()
        drifts += [value for _, value in samples.get("balance_drift", [])]
        if any(at > before + 2 for _, at in samples.get("reconciled_timestamp_seconds", [])):
            return drifts
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was compared within 20 s")


async def buy(trader: Any, quantity: float) -> None:
    """Take liquidity, so that the fill comes at once."""
    book = await trader.fetch_order_book(SYMBOL, 5)
    await trader.create_order(SYMBOL, "limit", "buy", quantity, book["asks"][0][0])


# Through real ccxt, on each kind of exchange.


async def test_nothing_drifts_through_trades_deposits_and_withdrawals(
    reconciled: Watched, simulator: Simulator, trader: Any, dialect: str
) -> None:
    """Fees of fills and of withdrawals included, balances are what the books say at each comparison."""
    await buy(trader, 0.0123)
    drifts = await compared(reconciled)
    simulator.move("alpha", "deposit", "USDT", "1000.50000001")
    simulator.move("alpha", "withdrawal", "BTC", "-0.5", fee="0.0005")
    drifts += await compared(reconciled)
    if dialect == "binance":
        simulator.move("alpha", "transfer", "USDT", "-50")
        simulator.move("alpha", "transfer", "BTC", "0.125")
    await buy(trader, 0.002)
    drifts += await compared(reconciled)
    drifts += await compared(reconciled)
    assert await reconciled.value("events_total", type="transfer") == (4 if dialect == "binance" else 2)
    assert set(drifts) == {0.0}
    assert await reconciled.value("exchange_request_errors_total") == 0


async def test_a_fill_that_is_not_seen_shows_as_drift_until_it_is_found(
    reconciled: Watched, simulator: Simulator, trader: Any, dialect: str
) -> None:
    """Both currencies differ by what it exchanged, from the first comparison without it until the history has it."""
    route = {"binance": "myTrades", "kraken": "TradesHistory"}[dialect]
    number = simulator.fault("alpha", "server_error", route=route)
    simulator.fault("alpha", "lost_fills")
    await buy(trader, 0.25)
    drift = await reconciled.until("balance_drift", lambda drift: drift != 0, currency="BTC")
    assert drift == pytest.approx(0.25, abs=0.001)
    since = await reconciled.value("balance_drift_since_timestamp_seconds", currency="BTC")
    assert since is not None
    assert since >= simulator.fills("alpha")[-1]["time"] / 1000 - 1  # type: ignore[operator]
    simulator.venues["alpha"].faults.remove(number)
    await reconciled.until("balance_drift", 0, currency="BTC")
    await reconciled.until("balance_drift", 0, currency="USDT")
    assert await reconciled.value("balance_drift_since_timestamp_seconds") is None


@pytest.mark.parametrize("dialect", ["binance"])
async def test_money_that_is_under_way_counts_once_it_has_arrived(reconciled: Watched, simulator: Simulator) -> None:
    """A deposit that waits for its confirmations is read again until it has them, and is counted once."""
    number = simulator.move("alpha", "deposit", "USDT", "100", is_done=False)
    simulator.move("alpha", "deposit", "BTC", "1")
    await reconciled.until("events_total", 1, type="transfer")
    simulator.finish("alpha", number)
    await reconciled.until("events_total", 2, type="transfer")
    assert set(await compared(reconciled)) == {0.0}
    assert await reconciled.value("events_total", type="transfer") == 2


@pytest.mark.parametrize("dialect", ["binance"])
async def test_what_happened_while_the_exporter_was_away_is_found(
    simulator: Simulator, trader: Any, keys: None, tmp_path: Path
) -> None:
    """A start reads on from the last fill in the journal, however short `backfill_hours` is, and nothing drifts."""
    exchange = exchange_config(simulator, reconcile_interval=1.0, backfill_hours=0.0001)
    journal = {"path": str(tmp_path / "a.journal")}
    async with watching(exchange, journal=journal) as exporter:
        await settled(exporter)
        await exporter.until("balance_drift", 0, currency="USDT")
        await buy(trader, 0.01)
        await exporter.until("fills_total", 1)
    await buy(trader, 0.02)
    simulator.move("alpha", "deposit", "USDT", "7")
    await asyncio.to_thread(_pass, 0.5)  # longer than `backfill_hours`
    async with watching(exchange, journal=journal) as exporter:
        await exporter.until("position_base", 0.03)
        assert set(await compared(exporter)) == {0.0}
        assert await exporter.value("events_total", type="transfer") == 1


def _pass(seconds: float) -> None:
    """Let time go by: what is tested is how far back in time is looked."""
    import time  # noqa: PLC0415 - nothing else here may sleep

    time.sleep(seconds)


@pytest.mark.parametrize("dialect", ["binance"])
async def test_no_time_is_quoted_while_it_is_not_known_what_rests(
    watched: Watched, simulator: Simulator, trader: Any
) -> None:
    """When the orders' stream is lost, the quote's clock stops; when it is back, it goes on."""
    # Later readings of the open orders would tell anew what rests.
    await watched.until("exchange_requests_total", lambda n: n >= 2, operation="fetch_open_orders")
    await trader.create_order(SYMBOL, "limit", "buy", 0.01, 60_000)
    await trader.create_order(SYMBOL, "limit", "sell", 0.01, 70_000)
    await watched.until("quote_two_sided_seconds_total", lambda seconds: seconds > 0)
    number = simulator.fault("alpha", "down", route="stream")
    await watched.until("exchange_stream_up", 0, stream="orders")
    before = await watched.value("quote_seconds_total")
    probes = await watched.value("exchange_requests_total", operation="fetch_time")
    assert probes is not None
    await watched.until("exchange_requests_total", lambda n: n > probes + 1, operation="fetch_time")
    assert await watched.value("quote_seconds_total") == before
    simulator.venues["alpha"].faults.remove(number)
    assert before is not None
    await watched.until("quote_seconds_total", lambda seconds: seconds > before)


# With a stand-in for ccxt's client.


class Client:
    """An exchange's answers, as ccxt gives them."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []
        self.markets: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.has = dict.fromkeys(
            ("fetchBalance", "fetchDeposits", "fetchWithdrawals", "fetchPositions", "fetchFundingHistory"), True
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("fetch_"):
            raise AttributeError(name)

        async def answer(*given: Any) -> Any:
            self.asked.append((name, given))
            found = self.answers.get(name, [])
            if isinstance(found, Exception):
                raise found
            if given[1:2] and isinstance(given[1], int):
                return [each for each in found if each["timestamp"] >= given[1]]
            return found

        return answer


async def account(
    client: Client, exchange: Exchange = ALPHA, log: Journal | None = None
) -> tuple[State, AccountReader]:
    """A reader of an account with the stand-in behind it."""
    state = State(config(), clock=lambda: T0, log=log)
    link = Link(exchange, state, Intake(state))
    await link.client.close()
    link.client = client
    return state, AccountReader(link, exchange.symbols, [])


def deposit(number: int, amount: str = "10", status: str = "ok", ts: float = T0 - 100) -> dict[str, Any]:
    return {
        "id": str(number),
        "currency": "USDT",
        "amount": float(amount),
        convert.EXACT: {"amount": amount},
        "status": status,
        "timestamp": round(ts * 1000),
    }


async def test_a_denied_record_is_said_once_and_spoils_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A key that may not read withdrawals still brings balances and deposits, and is not tried again and again."""
    denied = PermissionDenied("this key may not")
    client = Client(fetch_balance={"total": {"USDT": 5.0}}, fetch_deposits=[deposit(1)], fetch_withdrawals=denied)
    state, reader = await account(client)
    for _ in range(3):
        await reader._read(after_gap=False)
    assert state.ledger.accounts["alpha", "main"].balances["USDT"].reported == 5
    assert state.ledger.held(("alpha", "main"), "USDT") == 10
    assert [name for name, _ in client.asked].count("fetch_withdrawals") == 1
    assert len([record for record in caplog.records if "withdrawals" in record.getMessage()]) == 1
    assert not state.components["exchange/alpha/main/withdrawals"].up


async def test_what_the_exchange_does_not_know_is_left_out_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Of many records of one kind, one that is refused keeps none of the others back; a denied kind is said once."""
    client = Client(fetch_balance={"total": {"USDT": 5.0}}, fetch_transfers=BadRequest("no such wallet"))
    client.has["fetchTransfers"] = True
    _, reader = await account(client)
    await reader._read(after_gap=False)
    await reader._read(after_gap=False)
    assert [name for name, _ in client.asked].count("fetch_transfers") == 8
    client.answers["fetch_transfers"] = PermissionDenied("this key may not")
    _, reader = await account(client)
    caplog.clear()
    await reader._read(after_gap=False)
    assert len([record for record in caplog.records if "transfers" in record.getMessage()]) == 1


async def test_what_the_intake_does_not_take_is_read_again() -> None:
    """When the journal is behind, neither deposits nor fills are passed over."""
    log = Journal.open(None, max_pending=1)
    client = Client(fetch_balance={"total": {}}, fetch_deposits=[deposit(1), deposit(2)])
    state, reader = await account(client, log=log)
    with pytest.raises(OverloadError):
        await reader._read(after_gap=False)
    assert state.ledger.held(("alpha", "main"), "USDT") == 10
    with pytest.raises(OverloadError):
        await reader._read(after_gap=False)
    assert len([name for name, _ in client.asked if name == "fetch_deposits"]) == 4, "from the same time on"
    log.close()


async def test_a_streamed_fill_that_is_not_taken_is_left_to_the_history() -> None:
    """The stream goes on, and the history is asked at once."""
    log = Journal.open(None, max_pending=1)
    state = State(config(), clock=lambda: T0, log=log)
    link = Link(ALPHA, state, Intake(state))
    await link.client.close()
    link.client = Client()
    link.client.has["fetchMyTrades"] = True
    fills = Fills(link, SYMBOL, streamed=True)
    assert link.intake.accept(fill("0", "buy", "100", "1", T0), "test")
    trade = {"id": "1", "symbol": SYMBOL, "timestamp": T0 * 1000, "side": "buy", "price": 1, "amount": 1}
    fills.accept_streamed([trade | {"fee": {"currency": "USDT", "cost": 0}}])
    assert fills.reader._gap.is_set()
    assert state.ledger.books[BookKey("alpha", "main", SYMBOL, "maker")].running.position.quantity == 1
    log.close()


async def test_positions_are_told_for_every_contract() -> None:
    """Hedged sides add up, and a contract that the exchange does not list is flat."""
    linear, other = "BTC/USDT:USDT", "ETH/USDT:USDT"
    exchange = Exchange(name="alpha", id="binanceusdm", account="main", symbols=[linear, other])
    sides = [("long", 3.0, "3"), ("short", 5.5, "5.50000000000000000001")]
    found = [{"symbol": linear, "side": s, "contracts": n, convert.EXACT: {"contracts": t}} for s, n, t in sides]
    state, reader = await account(Client(fetch_balance={"total": {"USDT": 1.0}}, fetch_positions=found), exchange)
    await reader._read(after_gap=False)
    positions = state.ledger.accounts["alpha", "main"].positions
    assert {symbol: check.reported for symbol, check in positions.items()} == {
        linear: Decimal("-2.50000000000000000001"),
        other: Decimal(0),
    }


async def test_a_currency_that_is_gone_is_told_as_nothing() -> None:
    """What was held before and is not listed any more is zero, and what never was is not told."""
    client = Client(fetch_balance={"total": {"USDT": 5.0, "DOGE": 7.0, "XRP": 0.0}})
    state, reader = await account(client)
    await reader._read(after_gap=False)
    client.answers["fetch_balance"] = {"total": {"USDT": 5.0}}
    balances = state.ledger.accounts["alpha", "main"].balances
    assert set(balances) == {"BTC", "USDT", "DOGE"}
    list(state.ledger.reconcile(T0 + 10))
    await reader._read(after_gap=False)
    assert balances["DOGE"].reported == 0


# What ccxt makes of the exchanges' own words.


def exact(exchange: str, parse: str, answer: Any, *more: Any) -> dict[str, str]:
    """The totals of a balance, in the exchange's digits."""
    config = Exchange(name="alpha", id=exchange, symbols=[SYMBOL])
    client = instrumented.connect(config, _Deaf())
    return dict(getattr(client, parse)(answer, *more)[convert.EXACT])


class _Deaf:
    """Hears nothing."""

    def request(self, *_: Any) -> None: ...
    def throttled(self, *_: Any) -> None: ...
    def rate_limit(self, *_: Any) -> None: ...
    def book(self, *_: Any) -> None: ...


async def test_a_wallet_of_contracts_is_without_unrealised_pnl() -> None:
    """Of Binance's margin balance and OKX's equity, what is only on paper is left out."""
    usdm = {"assets": [{"asset": "USDT", "walletBalance": "10.00000001", "marginBalance": "8", "updateTime": 1}]}
    assert exact("binanceusdm", "parse_balance_custom", usdm, "linear") == {"USDT": "10.00000001"}
    assert exact("binance", "parse_balance_custom", usdm, "inverse") == {"USDT": "10.00000001"}
    papi = [{"asset": "USDT", "umWalletBalance": "7", "umUnrealizedPNL": "-3"}]
    assert exact("binance", "parse_balance_custom", papi, "linear", None, True) == {"USDT": "7"}
    okx = {"data": [{"details": [{"ccy": "USDT", "eq": "8", "cashBal": "10.5", "availEq": "1"}]}]}
    assert exact("okx", "parse_trading_balance", okx) == {"USDT": "10.5"}


async def test_a_balance_keeps_more_digits_than_a_float() -> None:
    """Free and locked are added as the exchange wrote them."""
    spot = {"balances": [{"asset": "SHIB", "free": "123456789012.12345678", "locked": "0.00000001"}]}
    assert exact("binance", "parse_balance_custom", spot, "spot") == {"SHIB": "123456789012.12345679"}


async def test_a_stream_with_a_new_key_stands_without_the_old_one() -> None:
    """Where the address of a stream contains a key, that of an older key is not waited for."""
    client = instrumented.connect(Exchange(name="alpha", id="binanceusdm", symbols=[SYMBOL]), _Deaf())
    for key in ("one", "two"):
        client.options["linear"] = {"listenKey": key}
        with instrumented.operation("watch_orders"):
            stream = client.client(f"ws://127.0.0.1:9/private/ws?listenKey={key}")
        assert not client.stands("watch_orders")
        stream.connectionStarted, stream.isConnected = 1, True
        assert client.stands("watch_orders")
        del client.clients[stream.url]  # as ccxt does when the connection is gone
    assert not client.stands("watch_orders")
    await client.close()


@pytest.mark.parametrize(
    ("sign", "entry", "expected"),
    [
        (1, {"amount": 5, "fee": {"currency": "USDT", "cost": 1}}, {"USDT": "5"}),
        (-1, {"amount": 5, "fee": {"currency": "USDT", "cost": 1}}, {"USDT": "-6"}),
        (-1, {"amount": 5, "fee": {"currency": "TRX", "cost": 2}}, {"USDT": "-5", "TRX": "-2"}),
        (-1, {"amount": 5, "fee": None}, {"USDT": "-5"}),
        (0, {"amount": 5, "direction": "in", "fee": {"cost": 1}}, {"USDT": "4"}),
        (0, {"amount": 5, "direction": "out", "fee": {"currency": "USDT", "cost": 1}}, {"USDT": "-6"}),
    ],
)
def test_what_moved_is_what_the_balance_lost_or_gained(sign: int, entry: Any, expected: dict[str, str]) -> None:
    """Fees leave with a withdrawal, and out of a ledger's entry; in another currency they are a transfer of it."""
    found = convert.transfers({"id": "7", "currency": "USDT", "timestamp": 1000, **entry}, ALPHA, "x", sign)
    assert {each.currency: each.amount for each in found} == {name: Decimal(n) for name, n in expected.items()}
    assert [each.transfer_id for each in found] == [f"x:7:{name}" for name in expected]


def test_a_ledger_that_does_not_tell_directions_is_refused() -> None:
    """Money is not guessed to have come."""
    with pytest.raises(EventError, match="direction of a ledger's entry is None"):
        convert.transfers({"id": "7", "currency": "USDT", "timestamp": 1000, "amount": 5}, ALPHA, "x", 0)


def test_funding_without_an_id_is_known_by_what_it_is() -> None:
    """The same payment has the same id at each reading, and another one at the same moment has another."""
    payment = {"code": "USDT", "timestamp": 1_760_000_000_000, "amount": -0.5, "id": None}
    first = convert.funding(payment, ALPHA, "BTC/USDT:USDT")
    again = convert.funding({**payment, convert.EXACT: {"amount": "-0.50"}}, ALPHA, "BTC/USDT:USDT")
    other = convert.funding({**payment, "amount": 0.25}, ALPHA, "BTC/USDT:USDT")
    assert first.funding_id == again.funding_id != other.funding_id
    assert (first.amount, first.currency, first.ts) == (Decimal("-0.5"), "USDT", 1_760_000_000.0)


@pytest.mark.parametrize(
    ("exchange", "symbols", "balance", "left_out"),
    [
        ("binance", [SYMBOL], {}, set()),
        ("binance", ["BTC/USDT:USDT"], {"type": "swap", "subType": "linear"}, set()),
        ("binance", [SYMBOL, "BTC/USDT:USDT"], None, set()),
        ("binance", ["BTC/USD:BTC", "BTC/USDT:USDT"], None, set()),
        ("binanceusdm", ["BTC/USDT:USDT"], {}, set()),
        ("bybit", [SYMBOL, "BTC/USDT:USDT"], {}, set()),
        ("bitget", ["BTC/USDT:USDT"], {"type": "swap"}, {"USDT"}),
    ],
)
def test_balances_are_asked_of_the_wallet_that_the_symbols_use(
    exchange: str, symbols: list[str], balance: dict[str, str] | None, left_out: set[str]
) -> None:
    """Wallets that are kept apart are not mixed, and a total that may contain unrealised PnL is not compared."""
    config = Exchange(name="alpha", id=exchange, symbols=symbols)
    wallets = Wallets(config, symbols, {"spot": exchange != "binanceusdm"})
    assert (wallets.balance, wallets.left_out) == (balance, left_out)
    assert bool(wallets.trouble) is (balance is None or bool(left_out))
