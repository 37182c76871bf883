"""How the source behaves when the bot does what bots do: restarts, hangs, talks nonsense, goes away."""

from __future__ import annotations

import asyncio
import copy
import time
from typing import Any

import pytest
import yaml

from exporter.config import parse
from exporter.errors import OverloadError
from exporter.events import Event, Fill
from exporter.intake import Intake
from exporter.sources.freqtrade.source import FreqtradeSource
from exporter.sources.freqtrade.wallets import Wallets
from exporter.state.state import State
from simulator.stack.ports import free_port
from tests.sources.conftest import Watched
from tests.sources.freqtrade.conftest import bot, watching, watching_all
from tests.sources.freqtrade.standin import Standin, Trade, recorded, serving


def closed(number: int, **changes: Any) -> Trade:
    """A closed trade like a recorded one, with orders of its own: bought and sold once."""
    trade: Trade = copy.deepcopy(recorded("dry-run")["moments"][-1]["trades"]["trades"][-1])
    first, last = trade["orders"][0], trade["orders"][-1]
    last |= {"filled": first["filled"], "amount": first["amount"]}
    trade |= {"trade_id": number, "orders": [first, last]} | changes
    for order in trade["orders"]:
        order["order_id"] = f"{order['ft_order_side']}-{number}"
    return trade


def bought(standin: Standin) -> list[Trade]:
    """The bot holds what it bought at first; its open trades."""
    moments = recorded("dry-run")["moments"]
    filled = (m for m in moments if m["status"] and all(o["filled"] for t in m["status"] for o in t["orders"]))
    standin.move_to(next(filled))
    return standin.open


def resting(standin: Standin) -> Trade:
    """The bot's one open trade, with its last order resting."""
    standin.open = bought(standin)[:1]
    trade = standin.open[0]
    order = copy.deepcopy(trade["orders"][0])
    order |= {"order_id": "resting", "ft_order_side": "sell", "status": "open", "is_open": True, "filled": 0.0}
    order["order_filled_timestamp"] = None
    trade["orders"].append(order)
    return trade


async def part(watched: Watched, name: str, word: str) -> dict[str, str]:
    """A component once its state or detail has this word."""
    found: dict[str, str] = {}
    for _ in range(200):
        found = (await watched.health())["services"].get(name, {})
        if word in (found.get("state"), *found.get("detail", "").split(": ")[:1]):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} is {found}, never {word}")


async def test_what_the_bot_is() -> None:
    """Its program, version, strategy and state are metrics, and its loop's last turn."""
    async with serving(Standin.of("live-fees-in-bnb")) as standin, watching(standin) as watched:
        labels = {"bot": "often", "kind": "freqtrade", "version": "2026.9", "strategy": "Often", "dry_run": "no"}
        assert await watched.until("bot_info", 1, **labels) == 1
        assert await watched.until("bot_up", 1, bot="often") == 1
        assert await watched.value("bot_running", bot="often") == 1
        assert await watched.value("bot_open_trades", bot="often") == 0
        assert await watched.value("bot_last_seen_timestamp_seconds", bot="often") == 9_999_999_999
        assert (await part(watched, "bot/often", "up"))["detail"] == ""


@pytest.mark.parametrize(("state", "running"), [("stopped", 0), ("paused", 0), ("running", 1), ("", None)])
async def test_a_bot_that_does_not_trade(state: str, running: int | None) -> None:
    """Stopped by its owner it is up, but does not run; one that only serves its page says neither."""
    standin = Standin.of("dry-run")
    standin.pages["show_config"]["state"] = state
    async with serving(standin), watching(standin) as watched:
        await watched.until("bot_up", 1)
        assert await watched.value("bot_running") == running


async def test_labels_are_the_bots_own_where_none_are_given() -> None:
    """The exchange that it names, an account that says that no money moved, and the strategy of the trade."""
    async with (
        serving(Standin.of("dry-run", at=-1)) as standin,
        watching(standin, exchange=None, account=None) as watched,
    ):
        labels = {"exchange": "binance", "account": "dry-run-often", "strategy": "Often", "symbol": "BTC/USDT"}
        await watched.until("fills_total", lambda count: count > 0, **labels)


async def test_a_trade_made_before_the_bot_moved() -> None:
    """It keeps the name of the exchange that it was made on."""
    standin = Standin.of("dry-run")
    standin.closed = [closed(1), closed(2, exchange="kraken", strategy="Older")]
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", 2, exchange="alpha", strategy="Often")
        await watched.until("fills_total", 2, exchange="kraken", strategy="Older")


async def test_an_order_that_fills_in_parts() -> None:
    """It is an order until it ends, and then one fill of all that it filled."""
    standin = Standin.of("dry-run")
    order = resting(standin)["orders"][-1]
    async with serving(standin), watching(standin) as watched:
        await watched.until("orders_open", 1, side="sell")
        order["filled"] = 0.001
        await standin.is_asked("status", 2)
        assert await watched.value("fills_total", side="sell") == 0
        order |= {"status": "canceled", "is_open": False, "order_filled_timestamp": time.time() * 1000}
        await watched.until("fills_total", 1, side="sell")
        assert await watched.value("order_cancels_total", side="sell") == 1
        assert await watched.value("orders_open", side="sell") == 0
        assert await watched.value("position_base") == pytest.approx(0.004685 - 0.001, abs=1e-4)


async def test_an_order_that_is_gone_was_canceled() -> None:
    """freqtrade does not show orders that ended without a fill."""
    standin = Standin.of("dry-run")
    trade = resting(standin)
    async with serving(standin), watching(standin) as watched:
        await watched.until("orders_open", 1, side="sell")
        del trade["orders"][-1]
        await watched.until("order_cancels_total", 1, side="sell")
        assert await watched.value("orders_open", side="sell") == 0
        assert await watched.value("fills_total", side="sell") == 0


async def test_the_stream_is_the_quick_way() -> None:
    """A message about a trade has that trade read at once, long before the next look at everything."""
    async with serving(Standin.of("dry-run")) as standin, watching(standin, poll_interval=3600.0) as watched:
        await standin.subscribed.wait()
        await watched.until("bot_up", 1)
        for trade in bought(standin):
            await standin.send({"type": "entry_fill", "trade_id": trade["trade_id"]})
        await watched.until("fills_total", sum(len(trade["orders"]) for trade in standin.open))
        assert standin.asked[f"trade/{standin.open[0]['trade_id']}"] == 1


@pytest.mark.parametrize(
    "message", [{"type": "exit_cancel", "trade_id": 1}, {"type": "entry_fill", "trade_id": 99}, "nonsense", "[1]"]
)
async def test_a_message_that_names_no_trade_to_read(message: Any) -> None:
    """Then everything is read."""
    async with serving(Standin.of("dry-run")) as standin, watching(standin, poll_interval=3600.0) as watched:
        await standin.subscribed.wait()
        await watched.until("bot_up", 1)
        standin.closed = [closed(1)]
        await standin.send(message)
        await watched.until("fills_total", 2)
        assert await watched.value("bot_up") == 1


async def test_the_stream_comes_back() -> None:
    """After it broke it is opened again, and what was missed is read."""
    async with serving(Standin.of("dry-run")) as standin, watching(standin, poll_interval=3600.0) as watched:
        await standin.subscribed.wait()
        await watched.until("bot_up", 1)
        standin.closed = [closed(1)]
        await standin.hang_up()
        await standin.subscribed.wait()
        await watched.until("fills_total", 2)


async def test_the_login_opens_the_stream_where_no_token_is_given() -> None:
    """freqtrade takes its access token there as well."""
    async with serving(Standin.of("dry-run")) as standin, watching(standin, ws_token=None) as watched:
        await standin.subscribed.wait()
        assert (await part(watched, "bot/often/stream", "up"))["detail"] == ""


async def test_a_wrong_token_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """It degrades the health and nothing else: the record is read at intervals."""
    monkeypatch.setenv("TEST_WS_TOKEN", "hunter2-wrong")
    async with serving(Standin.of("dry-run", at=-1)) as standin, watching(standin) as watched:
        await watched.until("fills_total", lambda count: count > 0)
        failing = await part(watched, "bot/often/stream", "authentication")
        assert "correct ws_token" in failing["detail"]
        assert "hunter2" not in failing["detail"]
        assert (await watched.health())["overall_status"] == "degraded"


async def test_a_bot_without_a_stream() -> None:
    """An old version is no failure."""
    standin = Standin.of("dry-run", at=-1)
    standin.has_stream = False
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", lambda count: count > 0)
        assert "read at intervals" in (await part(watched, "bot/often/stream", "up"))["detail"]
        assert (await watched.health())["overall_status"] == "healthy"


async def test_a_wrong_password(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, without the password, and the exporter goes on."""
    monkeypatch.setenv("TEST_PASSWORD", "hunter2-wrong")
    async with serving(Standin.of("dry-run")) as standin, watching(standin) as watched:
        failing = await part(watched, "bot/often", "authentication")
        assert "refuses username or password" in failing["detail"]
        assert await watched.value("bot_up") == 0
        health = await watched.health()
        assert health["overall_status"] == "degraded"
        assert "hunter2" not in str(health) + caplog.text
        assert [record.message for record in caplog.records].count("bot/often failed, retrying") == 1


async def test_a_bot_that_was_started_anew_takes_no_old_token() -> None:
    """The exporter logs in again without a word."""
    async with serving(Standin.of("dry-run")) as standin, watching(standin) as watched:
        await watched.until("bot_up", 1)
        standin.forget_tokens()
        standin.closed = [closed(1)]
        await watched.until("fills_total", 2)
        assert standin.asked["login"] == 2
        assert await watched.value("bot_up") == 1


async def test_a_bot_that_goes_away_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    """It is down meanwhile; what it did is counted when it answers again, and both are said once."""
    port = free_port()
    standin = Standin.of("dry-run")
    standin.url = f"http://127.0.0.1:{port}"
    async with watching(standin) as watched:
        failing = await part(watched, "bot/often", "network")
        assert "see whether the bot runs" in failing["detail"]
        assert await watched.value("bot_up") == 0
        async with serving(standin, port):
            await watched.until("bot_up", 1)
        await watched.until("bot_up", 0)
        assert await watched.value("bot_running") is None
        standin.closed = [closed(1)]
        async with serving(standin, port):
            await watched.until("fills_total", 2)
            assert (await watched.health())["services"]["bot/often"]["state"] == "up"
            said = [record.message for record in caplog.records]
    assert said.count("bot/often works again") == 2
    assert said.count("bot/often failed, retrying") == 2


@pytest.mark.parametrize(
    ("status", "word"),
    [(500, "unavailable"), (502, "unavailable"), (503, "unavailable"), (404, "not_supported"), (429, "rate_limit")],
)
async def test_an_answer_that_is_a_failure(status: int, word: str) -> None:
    """Its kind is told with what to do."""
    standin = Standin.of("dry-run")
    standin.failure = status
    async with serving(standin), watching(standin) as watched:
        assert (await part(watched, "bot/often", word))["state"] == "down"


@pytest.mark.parametrize(
    ("page", "body"),
    [
        *(("trades", body) for body in (b"<html>hunter2</html>", b"[1]", b"\xff\xfe", b'{"trades": 7}')),
        *(("show_config", b"[1, 2]"), ("health", b"7"), ("status", b"{}"), ("balance", b'{"currencies": "hunter2"}')),
    ],
)
async def test_an_answer_that_makes_no_sense(page: str, body: bytes) -> None:
    """It never ends the source and shows nothing of itself; after it all is read."""
    standin = Standin.of("dry-run", at=-1)
    standin.garbage = {page: body}
    async with serving(standin), watching(standin) as watched:
        await standin.subscribed.wait()
        if not standin.asked[page]:
            await standin.is_asked(page, 1)
        health = await watched.health()
        assert "hunter2" not in str(health)
        assert health["overall_status"] in ("healthy", "degraded")
        standin.garbage = {}
        await watched.until("fills_total", 10)
        await part(watched, "bot/often", "up")


async def test_an_answer_that_does_not_come() -> None:
    """It is given up after the time-out."""
    standin = Standin.of("dry-run")
    standin.slow = asyncio.Event()
    async with serving(standin), watching(standin, request_timeout=0.2) as watched:
        assert "no answer in time" in (await part(watched, "bot/often", "timeout"))["detail"]
        standin.slow.set()
        await watched.until("bot_up", 1)


async def test_a_loop_that_stands_still() -> None:
    """A bot that answers but does not work is down, and what it says is read all the same."""
    standin = Standin.of("dry-run", at=-1)
    standin.pages["health"] |= {"last_process_ts": int(time.time()) - 400, "bot_startup_ts": int(time.time()) - 500}
    async with serving(standin), watching(standin) as watched:
        assert "its loop has stood still for" in (await part(watched, "bot/often", "unavailable"))["detail"]
        assert await watched.value("bot_up") == 0
        await watched.until("fills_total", 10)
        standin.pages["health"]["last_process_ts"] = int(time.time())
        await watched.until("bot_up", 1)


async def test_one_trade_that_makes_no_sense(caplog: pytest.LogCaptureFixture) -> None:
    """It is refused once, however often it is read, and the others are taken."""
    standin = Standin.of("dry-run")
    bad = closed(2)
    del bad["orders"]
    no_side, no_price, no_time = closed(3), closed(4), closed(5)
    no_side["orders"][0]["ft_order_side"] = "both"
    no_price["orders"][0]["safe_price"] = None
    no_time["orders"][0] |= {"order_filled_timestamp": None, "order_timestamp": None}
    standin.closed = [closed(1), bad, no_side, no_price, no_time]
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", 2 + 3)
        await standin.is_asked("trades", 3)
        refused = {labels["reason"]: n for labels, n in (await watched.samples())["events_rejected_total"]}
        assert refused == {"trade": 1, "side": 1, "safe_price": 1, "ts": 1}
        assert await watched.value("bot_up") == 1


@pytest.mark.parametrize("sorts_by_id", [False, True])
async def test_a_long_history(*, sorts_by_id: bool) -> None:
    """All of it is read, page by page, whatever the order; later only what is new."""
    standin = Standin.of("dry-run")
    start = recorded("dry-run")["moments"][-1]["trades"]["trades"][0]["close_timestamp"]
    standin.closed = [closed(n, close_timestamp=start - (n * 7919) % 250) for n in range(1, 251)]
    standin.sorts_by_id = sorts_by_id
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", 500)
        standin.closed.append(closed(251, close_timestamp=start + 1))
        await watched.until("fills_total", 502)
        if not sorts_by_id:
            before = standin.asked["trades"]
            await standin.is_asked("status", 5)
            assert standin.asked["trades"] - before <= 6


async def test_history_beyond_what_is_asked_for() -> None:
    """Trades that were closed longer ago than configured are not counted."""
    standin = Standin.of("dry-run")
    old = (time.time() - 3 * 86_400) * 1000
    standin.closed = [closed(1, close_timestamp=old), closed(2)]
    async with serving(standin), watching(standin, backfill_days=2) as watched:
        await watched.until("fills_total", 2)
        await standin.is_asked("trades", 3)
        assert await watched.value("fills_total") == 2


async def test_a_new_database_numbers_its_trades_from_one_again() -> None:
    """A number that was there before is another trade."""
    standin = Standin.of("dry-run")
    standin.closed = [closed(1)]
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", 2)
        other = closed(1, close_timestamp=standin.closed[0]["close_timestamp"] + 5)
        for order in other["orders"]:
            order["order_id"] += "-of-another"
        standin.closed = [other]
        await watched.until("fills_total", 4)


async def test_balances_are_compared_where_that_means_something() -> None:
    """The bot's account is reported, unless fees are paid in a currency whose amounts freqtrade does not keep."""
    standin = Standin.of("dry-run", at=-1)
    async with serving(standin), watching(standin) as watched:
        await watched.until("events_total", lambda n: n >= 1, type="balance", source="freqtrade")
    standin = Standin.of("live-fees-in-bnb", at=-1)
    async with serving(standin), watching(standin) as watched:
        await watched.until("fills_total", lambda count: count > 0)
        await standin.is_asked("trades", 3)
        assert await watched.value("events_total", type="balance") is None
        assert not standin.asked["balance"]


async def test_a_bot_that_cannot_say_what_it_holds_is_not_down(caplog: pytest.LogCaptureFixture) -> None:
    """As an older one while its exchange is away: a part of its own fails, said once, and nothing is read anew."""
    standin = Standin.of("dry-run")
    standin.closed = [closed(number) for number in range(1, 151)]  # two pages
    standin.failures = {"balance": 502}
    async with serving(standin), watching(standin, account=None) as watched:
        failing = await part(watched, "bot/often/balances", "unavailable")
        assert failing["detail"].endswith("/balance: the bot answers with the status 502; see its log")
        await standin.is_asked("status", 5)
        assert await watched.value("bot_up") == 1
        assert (await part(watched, "bot/often", "up"))["detail"] == ""
        assert standin.asked["trades"] <= standin.asked["status"] + 1
        assert standin.asked["balance"] == 1
        standin.failures = {}
        standin.pages["show_config"]["dry_run"] = False  # with its labels everything is read anew, and at once
        await part(watched, "bot/often/balances", "up")
        await watched.until("events_total", lambda n: n >= 1, type="balance", source="freqtrade")
    said = [record.message for record in caplog.records if "bot/often" in record.message]
    assert said == ["bot/often/balances failed, retrying", "bot/often/balances works again"]


async def drifting(watched: Watched) -> set[str]:
    """The accounts whose balances were compared with the books."""
    return {labels["account"] for labels, _ in (await watched.samples()).get("balance_drift", [])}


async def test_two_dry_runs_have_a_wallet_each(caplog: pytest.LogCaptureFixture) -> None:
    """Without labels of their own each is an account, whose pretended balance is held against its own books."""
    async with serving(Standin.of("dry-run", at=-1)) as first, serving(Standin.of("dry-run")) as second:
        second.pages["balance"]["currencies"][0]["balance"] *= 5
        bots = [bot(each, name=name, exchange=None, account=None) for each, name in ((first, "one"), (second, "two"))]
        async with watching_all(*bots) as watched:
            for account in ("dry-run-one", "dry-run-two"):
                await watched.until("balance_drift", 0, exchange="binance", account=account, currency="USDT")
    assert "not compared" not in caplog.text


@pytest.mark.parametrize("account", ["main", None])
async def test_two_bots_that_report_one_account_are_not_compared(
    account: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Each may have a wallet of its own: that is said once with what to set, and no drift is reckoned."""
    one, two, other = (Standin.of("live-fees-in-coins") for _ in range(3))
    async with serving(one), serving(two), serving(other):
        exchange = None if account is None else "alpha"
        pair = [bot(each, name=n, account=account, exchange=exchange) for each, n in ((one, "one"), (two, "two"))]
        async with watching_all(*pair, bot(other, name="other", account="other")) as watched:
            for name, others in (("one", "two"), ("two", "one")):
                said = f"not compared: this is the account of {others} as well; set account for each"
                assert (await part(watched, f"bot/{name}/balances", said[:12]))["detail"] == said
            await watched.until("balance_drift", 0, account="other")
            assert await drifting(watched) == {"other"}
    where = "alpha/main" if account else "binance/default"
    assert caplog.text.count(f"one and two report balances of the same account {where}, so they are not compared") == 1


async def test_of_bots_with_one_wallet_one_reports_it(caplog: pytest.LogCaptureFixture) -> None:
    """With balances: false for the others, what it says is compared with the books of all."""
    async with (
        serving(Standin.of("dry-run", at=-1)) as one,
        serving(Standin.of("dry-run")) as two,
        watching_all(bot(one, name="one"), bot(two, name="two", balances=False)) as watched,
    ):
        await watched.until("balance_drift", 0, account="main", currency="USDT")
        assert "bot/two/balances" not in (await watched.health())["services"]
    assert "not compared" not in caplog.text


async def test_only_the_bots_state_where_the_exchange_is_read_itself() -> None:
    """With fills: false nothing is counted that the account's own keys bring already."""
    async with serving(Standin.of("dry-run", at=-1)) as standin, watching(standin, fills=False) as watched:
        await watched.until("bot_up", 1)
        await watched.until("bot_open_trades", 0)
        assert standin.asked["trades"] == standin.asked["status"] == standin.asked["balance"] == 0
        assert await watched.value("fills_total") is None


def short_with_funding() -> Trade:
    """A short of a contract with leverage, closed by a stop-loss on the exchange, with funding between its orders.

    Made from a recorded spot trade and freqtrade's own code: the simulator has no funding.
    """
    trade = closed(7, pair="BTC/USDT:USDT", is_short=True, leverage=5.0, funding_fees=0.75, fee_open_cost=0.06)
    entry, stop = trade["orders"]
    entry |= {"ft_order_side": "sell", "order_id": "entry", "filled": 0.5, "safe_price": 100.0, "funding_fee": 0.0}
    stop |= {"ft_order_side": "stoploss", "order_id": "stop", "filled": 0.5, "safe_price": 110.0, "funding_fee": 0.75}
    trade |= {"fee_open": 0.0005, "fee_close": 0.0004}
    return trade


async def test_a_short_with_leverage_and_funding() -> None:
    """Leverage changes no amount, the stop-loss buys back, and funding is what each order has of it."""
    standin = Standin.of("dry-run")
    standin.closed = [short_with_funding()]
    async with serving(standin), watching(standin) as watched:
        labels = {"symbol": "BTC/USDT:USDT"}
        await watched.until("fills_total", 1, side="buy", **labels)
        assert await watched.value("fills_total", side="sell", **labels) == 1
        assert await watched.value("position_base", **labels) == 0
        assert await watched.value("pnl_realized_usd", **labels) == pytest.approx(-5.0)
        assert await watched.value("fees_usd_total", **labels) == pytest.approx(50 * 0.0005 + 55 * 0.0004)
        assert await watched.value("events_total", type="funding") == 1


@pytest.mark.parametrize(("account", "times"), [("main", 1), ("other", 0)])
async def test_an_account_that_is_read_twice_is_said(
    account: str, times: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Fills would count twice where the exchange's own section has keys for the account."""
    monkeypatch.setenv("TEST_KEY", "x")
    exchange: dict[str, Any] = {"name": "alpha", "id": "binance", "account": account, "symbols": ["BTC/USDT"]}
    exchange |= {"api_key": {"env": "TEST_KEY"}, "secret": {"env": "TEST_KEY"}}
    async with serving(Standin.of("dry-run")) as standin:
        config = parse(yaml.safe_dump({"exchanges": [exchange], "freqtrade": [bot(standin)]}))
        state = State(config)
        source = asyncio.create_task(FreqtradeSource(config.freqtrade[0], state, Intake(state), Wallets(state)).run())
        await standin.is_asked("trades", 3)
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)
    assert caplog.text.count("so they count twice; set fills: false") == times


async def test_what_the_intake_cannot_take_now_is_delivered_again() -> None:
    """While the journal is behind nothing is marked as told, and the bot is not blamed."""
    async with serving(Standin.of("dry-run", at=-1)) as standin:
        config = parse(yaml.safe_dump({"currency": {"pegs": {"USDT": 1}}, "freqtrade": [bot(standin)]}))
        state = State(config)
        intake = FullIntake(state, failures=1)
        source = asyncio.create_task(FreqtradeSource(config.freqtrade[0], state, intake, Wallets(state)).run())
        await standin.is_asked("trades", 3)
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)
        assert intake.failures == 0
        assert state.intake.accepted["fill", "freqtrade"] == 10
        assert state.components["bot/often"].up
        assert [counts.conflicts + counts.duplicates for counts in state.ledger.accounts.values()] == [0]


class FullIntake(Intake):
    """One whose journal is behind at first."""

    def __init__(self, state: State, failures: int) -> None:
        super().__init__(state)
        self.failures = failures

    def take(self, event: Event, source: str, *, redelivery: bool = False) -> bool:
        if isinstance(event, Fill) and self.failures:
            self.failures -= 1
            raise OverloadError("the journal is behind")
        return super().take(event, source, redelivery=redelivery)
