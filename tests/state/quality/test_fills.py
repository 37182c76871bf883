"""Effective spread, slippage, markouts, realised spread and price impact against values worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exporter.state.quality.markouts import Horizon, Track
from tests.builders import order
from tests.state.quality.desk import Desk

BTC = 50_000.0


def figures(horizon: Horizon) -> tuple[float, float, float, float]:
    return horizon.markout, horizon.realized, horizon.impact, horizon.volume


def effective(track: Track) -> float:
    """The mean effective spread, weighted by volume."""
    return track.effective / track.effective_volume


def test_a_maker_that_bought() -> None:
    """Two bought at 99.9 with the mid at 100, which is 100.5 a second later: all turns out in our favour."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("buy", "99.9", "2", 0, liquidity="maker")
    desk.mids((0.5, 100.5), (1.5, 90.0))
    desk.advance(1.5)
    # The aggressor sold: 2 * -1 * (99.9 - 100) / 100 = 0.002 of 200 USD.
    assert effective(desk.track()) == pytest.approx(0.002)
    # (100.5 - 99.9) * 2; twice that; 2 * -1 * (100.5 - 100) / 100 of 200 USD.
    assert figures(desk.horizon(1.0)) == pytest.approx((1.2, 2.4, -2.0, 200.0))


def test_a_maker_that_sold_to_somebody_who_knew_more() -> None:
    """What was earned at first, 10 bp, is lost when the mid passes the price."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("sell", "100.05", "4", 0, liquidity="maker")
    desk.mids((0.5, 100.2), (1.5, 100.2))
    desk.advance(1.5)
    assert effective(desk.track()) == pytest.approx(0.001)
    # -(100.2 - 100.05) * 4; 2 * (100.05 - 100.2) / 100 and 2 * (100.2 - 100) / 100, of 400 USD.
    assert figures(desk.horizon(1.0)) == pytest.approx((-0.6, -1.2, 1.6, 400.0))


def test_a_taker_that_sold() -> None:
    """Three sold at 99.9 with the mid at 100, which falls to 99.4: it cost 20 bp and was worth it."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("sell", "99.9", "3", 0, liquidity="taker")
    desk.mids((0.5, 99.4), (1.5, 99.4))
    desk.advance(1.5)
    assert effective(desk.track("taker")) == pytest.approx(0.002)
    # (99.9 - 99.4) * 3; 2 * -1 * (99.9 - 99.4) / 100 and 2 * -1 * (99.4 - 100) / 100, of 300 USD.
    assert figures(desk.horizon(1.0, "taker")) == pytest.approx((1.5, -3.0, 3.6, 300.0))


def test_a_taker_that_bought_in_another_currency() -> None:
    """Everything is in USD at the rate of the fill, and ratios are not touched by it."""
    desk = Desk("ETH/EUR", rate=1.1)
    desk.mid(0, 2000.0)
    desk.fill("buy", "2001", "0.5", 0, liquidity="taker")
    desk.mids((0.5, 2004.0), (1.5, 2004.0))
    desk.advance(1.5)
    assert effective(desk.track("taker")) == pytest.approx(0.001)
    # 3 * 0.5 * 1.1; 2 * (2001 - 2004) / 2000 and 2 * 4 / 2000, of 1100 USD.
    assert figures(desk.horizon(1.0, "taker")) == pytest.approx((1.65, -3.3, 4.4, 1100.0))


def test_a_linear_contract() -> None:
    """Quantity is in contracts: five of a hundredth are a twentieth."""
    desk = Desk("BTC/USDT:USDT")
    desk.mid(0, 100.0)
    desk.fill("buy", "99", "5", 0, liquidity="maker", contract_size=Decimal("0.01"))
    desk.mids((0.5, 103.0), (1.5, 103.0))
    desk.advance(1.5)
    # 4 * 0.05; 2 * 4 / 100 and 2 * -3 / 100, of 5 USD.
    assert figures(desk.horizon(1.0)) == pytest.approx((0.2, 0.4, -0.3, 5.0))


def test_an_inverse_contract() -> None:
    """A hundred contracts of ten dollars gain coins as 1/price does; spreads are those of the price."""
    desk = Desk("BTC/USD:BTC", rate=BTC)
    desk.mid(0, 50_010.0)
    desk.fill("buy", "50000", "100", 0, liquidity="maker", contract_size=Decimal(10))
    desk.mids((0.5, 51_000.0), (1.5, 51_000.0))
    desk.advance(1.5)
    volume = 1000 / 50_010 * BTC
    assert effective(desk.track()) == pytest.approx(2 * 10 / 50_010)
    assert figures(desk.horizon(1.0)) == pytest.approx(
        (
            1000 * (1 / 50_000 - 1 / 51_000) * BTC,
            volume * 2 * 1000 / 50_010,
            volume * -2 * 990 / 50_010,
            volume,
        )
    )


def test_fills_add_up_to_the_mean_weighted_by_volume() -> None:
    """One USD at 20 bp and three at 40 bp are 35 bp."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("buy", "99.9", "0.01", 0.1, liquidity="maker")
    desk.fill("sell", "100.2", "0.03", 0.2, liquidity="maker")
    desk.advance(0.3)
    assert effective(desk.track()) == pytest.approx(0.0035)
    assert dict(zip(desk.track().ratios.bounds, desk.track().ratios.counts, strict=False))[0.005] == 1


def test_unknown_liquidity_has_markouts_but_no_spread() -> None:
    """Nobody knows who the aggressor was, but the money is ours either way."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("buy", "99.9", "2", 0, liquidity="unknown")
    desk.mids((0.5, 100.5), (1.5, 100.5))
    desk.advance(1.5)
    assert figures(desk.horizon(1.0, "unknown")) == pytest.approx((1.2, 0.0, 0.0, 200.0))
    assert desk.track("unknown").effective == 0


def test_a_fill_whose_own_mid_is_not_known_is_missing_everywhere() -> None:
    """Without the mid of its time there is no effective spread, and nothing is guessed."""
    desk = Desk()
    desk.fill("buy", "99.9", "2", 0, liquidity="maker")
    desk.mids((0.5, 100.5), (1.5, 100.5))
    desk.fill("buy", "99.9", "2", 0, liquidity="maker")
    desk.advance(1.5)
    assert (desk.track().effective_volume, desk.horizon(1.0).volume) == (0, 0)
    assert set(desk.quality.fills[desk.key].missing().values()) == {2}


def test_a_fill_without_a_rate_is_missing_everywhere() -> None:
    """What a coin was worth in USD is not known, so neither is the fill's weight."""
    desk = Desk()
    desk.rate = None  # type: ignore[assignment]
    desk.mid(0, 100.0)
    desk.fill("buy", "99.9", "2", 0, liquidity="maker", decision_price=Decimal(99))
    assert set(desk.quality.fills[desk.key].missing().values()) == {1}
    assert desk.quality.fills[desk.key].slippage_volume == 0


def test_slippage_of_an_order_filled_in_parts() -> None:
    """Bought 1 at 101 and 3 at 102 on a decision at 100: the average of 101.75 is 175 bp worse."""
    desk = Desk()
    desk.quality.order(order("7", "open", decision_price=Decimal(100)))
    desk.fill("buy", "101", "1", 0, order_id="7")
    desk.fill("buy", "102", "3", 0, order_id="7")
    book = desk.quality.fills[desk.key]
    assert book.slippage / book.slippage_volume == pytest.approx(0.0175)
    assert book.slippage == pytest.approx(7.0)
    assert sum(book.slippages.counts) == 2


def test_slippage_of_a_sale_against_the_price_that_the_fill_brings() -> None:
    """The fill's own decision price goes before its order's, and selling higher is better."""
    desk = Desk()
    desk.quality.order(order("7", "open", "sell", decision_price=Decimal(90)))
    desk.fill("sell", "101", "2", 0, order_id="7", decision_price=Decimal(100))
    book = desk.quality.fills[desk.key]
    assert book.slippage / book.slippage_volume == pytest.approx(-0.01)


def test_slippage_of_an_inverse_contract() -> None:
    """The ratio is that of the prices, the weight the coins' worth at the decision."""
    desk = Desk("BTC/USD:BTC", rate=BTC)
    desk.fill("buy", "50100", "1000", 0, decision_price=Decimal(50_000))
    book = desk.quality.fills[desk.key]
    assert (book.slippage_volume, book.slippage) == pytest.approx((1000.0, 2.0))


def test_a_fill_without_a_decision_has_no_slippage() -> None:
    """Neither it nor its order says on what price the bot decided."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.quality.order(order("7", "open"))
    desk.fill("buy", "101", "1", 0, order_id="7")
    assert desk.quality.fills[desk.key].slippage_volume == 0
