"""What the streams tell of things, beside what /metrics tells of them, over a state and a clock that a test moves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, cast

import msgspec

from exporter.collectors import trading
from exporter.events.alerts import Alert
from exporter.intake import Intake
from exporter.state.state import State
from exporter.stream import Hub
from exporter.stream.client import Client
from exporter.stream.protocol import Subscribe
from exporter.stream.views import AlertsView, PnlView, SpreadsView, Sweep, TradesView, View
from tests.builders import T0, book, config, fee, fill, quote
from tests.publish.alerting import Json, alert
from tests.stream.listening import Listener


class World:
    """A state and its streams at a time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = T0
        self.state = State(config(), clock=lambda: self.now)
        self.intake = Intake(self.state)
        self.pnl, self.spreads = PnlView(self.state), SpreadsView(self.state)

    def tell(self, *events: Any) -> None:
        for each in events:
            assert self.intake.accept(each, "push")

    def told(self, view: View) -> dict[str, dict[str, Any]]:
        """What a stream tells now, by symbol."""
        for _ in view.refresh():
            pass
        return {each["symbol"]: each for each in (json.loads(item.body) for item in view.table.since(0))}

    def scraped(self) -> dict[str, float]:
        """The unrealised PnL in /metrics, by symbol."""
        (samples,) = [found for family, found in trading.collect(self.state) if "unrealized" in family.name]
        return {labels[2]: float(cast("Decimal", value)) for labels, value in samples}

    def streamed(self) -> dict[str, float]:
        """The same of the stream."""
        figures = {symbol: each["unrealized_usd"] for symbol, each in self.told(self.pnl).items()}
        return {symbol: value for symbol, value in figures.items() if value is not None}


def test_a_price_that_got_too_old_values_nothing() -> None:
    """When a market falls silent the stream of PnL loses its figures as /metrics does."""
    world = World()
    world.tell(book(99, 101, world.now), fill("1", "buy", "90", "1", world.now, fee=fee("0")))
    assert world.streamed() == world.scraped() == {"BTC/USDT": 10}
    world.now += 3600
    assert world.streamed() == world.scraped() == {}


def test_pnl_follows_the_rate_of_its_currency() -> None:
    """A book in bitcoins is worth more when bitcoins are, though nothing moved on its own market."""
    world = World()
    world.tell(book(99, 101, world.now), book(0.049, 0.051, world.now, symbol="ETH/BTC"))
    world.tell(fill("1", "buy", "0.04", "1", world.now, symbol="ETH/BTC", fee=fee("0")))
    assert world.streamed() == world.scraped() == {"ETH/BTC": 1}
    world.now += 6
    world.tell(book(199, 201, world.now))
    assert world.streamed() == world.scraped() == {"ETH/BTC": 2}


def test_a_market_that_is_not_heard_of_has_no_spread() -> None:
    """Neither its mid and spread nor our own quotes stand in the stream once they are not known any more."""
    world = World()
    world.tell(book(99, 101, world.now), quote(99.5, 100.5, world.now))
    known = world.told(world.spreads)["BTC/USDT"]
    assert (known["mid"], known["market_spread_ratio"], known["quote_spread_ratio"]) == (100, 0.02, 0.01)
    world.now += 3600
    world.state.quality.integrate(world.now)
    lost = world.told(world.spreads)["BTC/USDT"]
    assert (lost["mid"], lost["market_spread_ratio"], lost["quote_spread_ratio"]) == (None, None, None)


async def test_a_first_look_sees_what_grew_old_while_nobody_looked() -> None:
    """However many markets fell silent; none of them is told as if it were of now."""
    world = World()
    symbols = [f"S{number}/USDT" for number in range(300)]
    world.tell(*(book(99, 101, world.now, symbol=symbol) for symbol in symbols))
    hub = Hub(world.state, world.state.config.stream)
    for mid in (100, None):
        listener = Listener()
        hub.enter(cast("Client", listener))
        await hub.subscribe(cast("Client", listener), Subscribe(stream="spreads"))
        told = [each for message in listener.news() for each in message["data"]]
        assert {each["symbol"]: each["mid"] for each in told} == dict.fromkeys(symbols, mid)
        hub.exit(cast("Client", listener))
        world.now += 3600


def test_each_thing_is_looked_at_again_within_seconds() -> None:
    """At whatever pace it is asked for: a share of all that grows with the time that passed."""
    for step in (0.01, 0.3, 7.0):
        world, seen = World(), set[int]()
        sweep: Sweep[int] = Sweep(world.state.clock)
        while len(seen) < 1_000:
            world.now += step
            seen.update(sweep.next(range(1_000)))
        assert world.now - T0 <= max(5.4, step)


def test_a_market_with_many_books_is_gone_through_in_steps() -> None:
    """A thousand books whose market moved are noted and worked out one a step, so that nothing else waits."""
    world = World()
    for number in range(1000):
        world.tell(fill(str(number), "buy", "90", "1", world.now, fee=fee("0"), strategy=f"s{number}"))
    world.told(world.pnl)
    world.tell(book(99, 101, world.now))
    steps = sum(1 for _ in world.pnl.refresh())
    assert steps >= 2000
    assert json.loads(world.pnl.table.since(0)[0].body)["unrealized_usd"] == 10


class Alerts:
    """Incidents, and their stream."""

    def __init__(self) -> None:
        self.world = World()
        self.incidents = self.world.state.incidents
        self.view = AlertsView(self.world.state)

    def tell(self, *alerts: Json) -> None:
        """Alertmanager's webhook."""
        for each in alerts:
            self.incidents.hear()
            found = self.incidents.news(msgspec.convert(each, Alert))
            if found is not None:
                self.incidents.take(found)

    def statuses(self) -> list[tuple[str, str]]:
        for _ in self.view.refresh():
            pass
        told = [json.loads(item.body) for item in self.view.table.since(0)]
        return sorted((each["id"], each["status"]) for each in told)


def test_an_alert_that_fires_anew_was_over_in_the_stream() -> None:
    """The incident before it does not fire for ever, though nobody told its end."""
    alerts = Alerts()
    alerts.tell(alert("a", T0 - 90))
    assert alerts.statuses() == [("a", "firing")]
    alerts.tell(alert("a", T0 - 30))
    assert alerts.statuses() == [("a", "firing"), ("a", "resolved")]


def test_an_alert_that_is_not_told_of_any_more_is_not_said_to_fire() -> None:
    """Neither one that was silenced meanwhile, nor any of an Alertmanager that is silent itself."""
    alerts = Alerts()
    alerts.tell(alert("a", T0 - 90), alert("b", T0 - 60))
    assert alerts.statuses() == [("a", "firing"), ("b", "firing")]
    within = alerts.world.state.config.incidents.heard_within
    alerts.world.now += within + 60
    alerts.tell(alert("b", T0 - 60))
    assert alerts.statuses() == [("a", "unknown"), ("b", "firing")]
    alerts.world.now += within + 60
    assert alerts.statuses() == [("a", "unknown"), ("b", "unknown")]
    alerts.tell(alert("b", T0 - 60))
    alerts.world.now += 6
    assert alerts.statuses() == [("a", "unknown"), ("b", "firing")]


def test_money_of_fills_has_all_its_digits_and_no_exponent() -> None:
    """Whatever reads it as text shows the price that it was."""
    world = World()
    trades = TradesView(world.state)
    tiny = {"price": Decimal("1.2E-10"), "quantity": Decimal("3E+9"), "fee": fee("1E-8", "BNB")}
    world.tell(fill("1", "buy", "1", "1", world.now, symbol="PEPE/BTC", **tiny))
    told = world.told(trades)["PEPE/BTC"]
    assert (told["price"], told["quantity"]) == ("0.00000000012", "3000000000")
    assert told["fee"] == {"currency": "BNB", "amount": "0.00000001"}
