"""Our own quotes over time, told by the bot or known from its orders."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exporter.state.quality import Quality
from exporter.state.quality.quotes import QuoteState
from tests.builders import T0, book, order, quote
from tests.state.quality.desk import KEY, Desk


def desk() -> Quality:
    return Desk().quality


def read(quality: Quality, at: float) -> QuoteState:
    quality.integrate(T0 + at)
    return quality.quotes[KEY]


def test_the_spread_is_weighted_by_time() -> None:
    """Two seconds at 200 bp and six at 100 bp are 125 bp, and uptime is eight seconds of ten."""
    quality = desk()
    quality.quote(quote(99.0, 101.0, T0), T0)
    quality.quote(quote(99.5, 100.5, T0 + 2), T0 + 2)
    assert read(quality, 5).spread_ratio == pytest.approx(0.01)
    quality.quote(quote(99.5, None, T0 + 8), T0 + 8)
    quotes = read(quality, 10)
    assert quotes.spread_seconds / quotes.two_sided_seconds == pytest.approx(0.0125)
    assert (quotes.two_sided_seconds, quotes.seconds) == pytest.approx((8.0, 10.0))
    assert quotes.spread_ratio is None


def test_quotes_that_come_together_each_have_their_own_time() -> None:
    """A bot that sends what it gathered in a second loses nothing of it."""
    quality = desk()
    quality.quote(quote(99.0, 101.0, T0), T0 + 0.5)
    quality.book(book(99.0, 101.0), T0 + 1.4)
    for at, bid in ((0.6, 99.5), (0.9, None), (1.1, 99.5)):
        quality.quote(quote(bid, 100.5, T0 + at), T0 + 1.5)
    quotes = read(quality, 2)
    assert quotes.two_sided_seconds == pytest.approx(2.0 - 0.2)
    assert quotes.spread_seconds == pytest.approx(0.6 * 0.02 + 1.2 * 0.01)


def test_what_was_counted_is_not_taken_back() -> None:
    """A quote that arrives after a scrape that it should have changed stands from that scrape on."""
    quality = desk()
    quality.quote(quote(99.0, 101.0, T0), T0)
    assert read(quality, 5).two_sided_seconds == pytest.approx(5.0)
    quality.quote(quote(None, None, T0 + 3), T0 + 6)
    assert (read(quality, 7).two_sided_seconds, read(quality, 7).seconds) == pytest.approx((5.0, 7.0))


def test_a_quote_older_than_the_newest_is_ignored_and_one_of_the_future_stands_from_now() -> None:
    """Messages overtake each other, and clocks differ."""
    quality = desk()
    quality.quote(quote(99.0, 101.0, T0 + 100), T0)
    quality.quote(quote(None, None, T0 - 1), T0 + 1)
    assert read(quality, 2).two_sided_seconds == pytest.approx(2.0)


def test_a_bot_that_says_nothing_for_long_is_not_believed() -> None:
    """A minute after its last quote nobody knows what it quotes, and no time passes until the next one."""
    quality = desk()
    quality.quote(quote(99.0, 101.0, T0), T0)
    assert read(quality, 300).seconds == pytest.approx(60.0)
    assert read(quality, 300).spread_ratio is None
    quality.quote(quote(None, None, T0 + 400), T0 + 400)
    quotes = read(quality, 410)
    assert (quotes.seconds, quotes.two_sided_seconds) == pytest.approx((70.0, 60.0))


def test_a_source_that_is_away_stops_the_time_of_its_account() -> None:
    """Between `lose` and the next report of an order nothing is known, on that account alone."""
    quality = desk()
    for account in ("main", "other"):
        quality.order(order("b", "open", "buy", T0, price=Decimal(99), account=account), T0)
        quality.order(order("a", "open", "sell", T0, price=Decimal(101), account=account), T0)
    quality.lose(T0 + 5, "alpha", "main")
    quality.order(order("a", "open", "sell", T0, price=Decimal(101)), T0 + 20)
    quotes = read(quality, 21)
    assert (quotes.seconds, quotes.two_sided_seconds) == pytest.approx((6.0, 6.0))
    assert quality.quotes[KEY._replace(account="other")].seconds == pytest.approx(21.0)


def test_orders_that_rest_are_the_quote_where_none_is_pushed() -> None:
    """The highest buy and the lowest sell count; amended, filled and canceled orders make room for the next."""
    quality = desk()
    resting = [("1", "buy", "98"), ("2", "buy", "99"), ("3", "sell", "101"), ("4", "sell", "102")]
    for name, side, price in resting:
        quality.order(order(name, "open", side, T0, price=Decimal(price)), T0)
    assert read(quality, 1).spread_ratio == pytest.approx(0.02)
    quality.order(order("2", "canceled", "buy", T0 + 1), T0 + 1)
    assert read(quality, 2).spread_ratio == pytest.approx(3 / 99.5)
    quality.order(order("3", "filled", "sell", T0 + 2, price=Decimal(101)), T0 + 2)
    assert read(quality, 3).spread_ratio == pytest.approx(0.04)
    quality.order(order("4", "open", "sell", T0 + 3, price=Decimal(100)), T0 + 3)
    assert read(quality, 4).spread_ratio == pytest.approx(2 / 99)
    quality.order(order("1", "canceled", "buy", T0 + 4), T0 + 4)
    quotes = read(quality, 10)
    assert (quotes.seconds, quotes.two_sided_seconds) == pytest.approx((10.0, 4.0))


def test_orders_without_a_price_and_crossed_ones_are_no_quote() -> None:
    """A market order rests nowhere; a bid above our own ask is stale knowledge, and no spread below zero."""
    quality = desk()
    quality.order(order("1", "new", "buy", T0), T0)
    quality.order(order("2", "open", "sell", T0, price=Decimal(100)), T0)
    quality.order(order("3", "open", "buy", T0 + 4, price=Decimal(101)), T0 + 4)
    quotes = read(quality, 10)
    assert (quotes.seconds, quotes.two_sided_seconds, quotes.spread_seconds) == pytest.approx((10.0, 0, 0))


def test_pushed_quotes_replace_those_from_orders() -> None:
    """From the first pushed quote on, the orders of the book change nothing."""
    quality = desk()
    quality.order(order("1", "open", "buy", T0, price=Decimal(99)), T0)
    quality.quote(quote(99.0, 101.0, T0 + 100), T0 + 100)
    quality.order(order("1", "canceled", "buy", T0 + 101), T0 + 101)
    quotes = read(quality, 110)
    assert (quotes.seconds, quotes.two_sided_seconds) == pytest.approx((110.0, 10.0))


def test_time_at_the_best_price() -> None:
    """At or ahead of the market counts, side by side; behind it does not."""
    quality = desk()
    quality.book(book(99.0, 101.0, T0), T0)
    quality.quote(quote(99.0, 102.0, T0), T0)
    quality.book(book(99.5, 102.0, T0), T0 + 2)
    quality.quote(quote(99.6, 102.0, T0 + 5), T0 + 5)
    quality.book(book(None, 102.5, T0), T0 + 6)
    quotes = read(quality, 10)
    # buy: equal for 2 s, behind for 3, ahead for 1, alone for 4; sell: behind for 2, equal or ahead from then on.
    assert quotes.at_best_seconds == pytest.approx({"buy": 7.0, "sell": 8.0})
    assert quotes.compared_seconds == pytest.approx(10.0)


def test_time_at_best_is_not_counted_while_the_market_is_not_known() -> None:
    """Before its first book, ten seconds after its last one, and while its stream is lost."""
    quality = desk()
    quality.quote(quote(99.0, 101.0, T0), T0)
    quality.book(book(99.0, 101.0, T0), T0 + 5)
    assert read(quality, 30).compared_seconds == pytest.approx(10.0)
    quality.quote(quote(99.0, 101.0, T0 + 31), T0 + 31)
    quality.book(book(99.0, 101.0, T0), T0 + 40)
    quality.lose_market(T0 + 42, "alpha", "BTC/USDT")
    quotes = read(quality, 50)
    assert quotes.compared_seconds == pytest.approx(12.0)
    assert quotes.at_best_seconds == pytest.approx({"buy": 12.0, "sell": 12.0})
    quality.book(book(99.5, 101.0, T0), T0 + 51)
    assert read(quality, 52).compared_seconds == pytest.approx(13.0)
    assert quotes.at_best_seconds == pytest.approx({"buy": 12.0, "sell": 13.0})
