"""Fills in any order, twice, late, with fees in three currencies, against an oracle in exact fractions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import EventError, JournalError
from exporter.events import BookKey, Fee, Fill, Transfer
from exporter.journal.records import Record, Revalued
from exporter.ledger.currency import Rates
from exporter.ledger.ledger import Ledger
from tests.builders import T0, FullLog, ListLog, fee, fill
from tests.ledger.calls import calls
from tests.ledger.taking import take

D = Decimal
NOW = T0 + 2000  # our clock; the mids of these tests have just come in
KEY = BookKey("alpha", "main", "BTC/USDT", "maker")


def ledger_with_mids(btc: float = 100.0, bnb: float = 300.0) -> Ledger:
    ledger = Ledger(Rates({"USDT": D(1)}), ListLog())
    ledger.observe_mid("alpha", "BTC/USDT", T0 - 10, btc, NOW)
    ledger.observe_mid("alpha", "BNB/USDT", T0 - 10, bnb, NOW)
    return ledger


def test_total_is_made_of_its_parts() -> None:
    """Realised, unrealised, fees in a third currency and rebates add up to the total."""
    ledger = ledger_with_mids()
    take(ledger, fill("1", "buy", "99", "2", T0, fee=fee("0.01", "BNB")))
    take(ledger, fill("2", "sell", "101", "1", T0 + 1, fee=fee("-0.5")))
    figures = ledger.figures(KEY, NOW)
    assert figures.realized == 2
    assert figures.unrealized == 1
    assert figures.fees == 3
    assert figures.rebates == D("0.5")
    assert figures.total == D("0.5")


def test_a_fee_in_the_base_currency_leaves_the_position() -> None:
    """Coins that the exchange kept are an expense at the mid and not held any more."""
    ledger = ledger_with_mids(btc=100.0)
    take(ledger, fill("1", "buy", "100", "1", fee=fee("0.001", "BTC")))
    figures = ledger.figures(KEY, NOW)
    assert ledger.books[KEY].running.position.quantity == D("0.999")
    assert figures.fees == D("0.1")
    assert figures.total == D("-0.1")


def test_an_exact_repeat_changes_nothing_and_is_counted() -> None:
    """The same fill twice is one fill."""
    ledger = ledger_with_mids()
    assert take(ledger, fill("1", "buy", "99", "2", fee=fee("0.1")))
    before = ledger.figures(KEY, NOW)
    assert not take(ledger, fill("1", "buy", "99.0", "2.00", fee=fee("0.10")))
    assert ledger.figures(KEY, NOW) == before
    assert ledger.accounts["alpha", "main"].duplicates == 1


def test_asking_whether_a_fill_is_known_changes_nothing() -> None:
    """It is by its id, whatever else is said of it; one that is not can still come."""
    ledger = ledger_with_mids()
    first, second = fill("1", "buy", "99", "2"), fill("2", "buy", "99", "2")
    assert not ledger.knows(first)
    assert take(ledger, first) is not None
    assert ledger.knows(fill("1", "buy", "98", "3", T0, fee=fee("1"), strategy="renamed"))
    assert not ledger.knows(second)
    assert not ledger.knows(second)
    assert take(ledger, second) is not None
    counts = ledger.accounts["alpha", "main"]
    assert (counts.duplicates, counts.conflicts, len(ledger.books)) == (0, 0, 1)


def test_what_we_asked_for_again_is_no_duplicate() -> None:
    """A fill that both stream and history tell is not counted as sent twice; one streamed twice is."""
    ledger = ledger_with_mids()
    take(ledger, fill("1", "buy", "99", "2"), redelivery=True)
    take(ledger, fill("1", "buy", "99", "2"))
    take(ledger, fill("1", "buy", "99", "2"), redelivery=True)
    assert ledger.accounts["alpha", "main"].duplicates == 0
    take(ledger, fill("1", "buy", "99", "2"))
    assert ledger.accounts["alpha", "main"].duplicates == 1


@pytest.mark.parametrize(
    "changed",
    [
        fill("1", "sell", "99", "2", fee=fee("0.1")),
        fill("1", "buy", "99.01", "2", fee=fee("0.1")),
        fill("1", "buy", "99", "2.1", fee=fee("0.1")),
        fill("1", "buy", "99", "2", fee=fee("0.2")),
        fill("1", "buy", "99", "2", fee=fee("0.1"), order_id="other"),
        fill("1", "buy", "99", "2", fee=fee("0.1"), contract_size=D("0.001")),
    ],
)
def test_a_known_id_with_other_content_is_refused(changed: Fill) -> None:
    """A conflict is an error and a count, and the first report stands."""
    ledger = ledger_with_mids()
    take(ledger, fill("1", "buy", "99", "2", fee=fee("0.1"), order_id="o1"))
    before = ledger.figures(KEY, NOW)
    with pytest.raises(EventError, match="trade 1 of BTC/USDT is known with other content"):
        take(ledger, changed)
    assert ledger.figures(KEY, NOW) == before
    assert ledger.accounts["alpha", "main"].conflicts == 1


def test_the_same_trade_id_elsewhere_is_another_fill() -> None:
    """Ids are told apart by exchange, account and symbol."""
    ledger = ledger_with_mids()
    for other in ({}, {"exchange": "beta"}, {"account": "second"}, {"symbol": "ETH/USDT"}):
        assert take(ledger, fill("1", "buy", "99", "2", **other))
    assert len(ledger.books) == 4


def test_a_late_fill_takes_its_place_beyond_checkpoints() -> None:
    """A fill that arrives a thousand fills late gives the same books as one in time."""
    fills = [
        fill(str(n), "buy" if n % 3 else "sell", str(90 + n % 17), str(1 + n % 5), T0 + n, fee=fee("0.01"))
        for n in range(1000)
    ]
    in_time, late = ledger_with_mids(), ledger_with_mids()
    for each in fills:
        take(in_time, each)
    for each in [*fills[:3], *fills[4:], fills[3]]:
        take(late, each)
    assert list(late.catch_up())
    assert late.figures(KEY, NOW) == in_time.figures(KEY, NOW)
    assert late.accounts["alpha", "main"].late == 1
    assert in_time.accounts["alpha", "main"].late == 0


def test_numeric_trade_ids_of_one_moment_keep_their_order() -> None:
    """Trades 9 and 10 of the same millisecond are taken in that order, whichever arrives first."""
    fills = [fill("8", "buy", "100", "1"), fill("9", "sell", "110", "2"), fill("10", "buy", "90", "1")]
    one, other = ledger_with_mids(), ledger_with_mids()
    for each in fills:
        take(one, each)
    for each in reversed(fills):
        take(other, each)
    assert one.figures(KEY, NOW) == other.figures(KEY, NOW)
    assert one.figures(KEY, NOW).realized == 30


def test_a_missing_fee_rate_is_told_and_filled_in_later() -> None:
    """Without a rate the total is unknown, not wrong; once a market tells, it is complete."""
    ledger = Ledger(Rates({"USDT": D(1)}), ListLog())
    ledger.observe_mid("alpha", "BTC/USDT", T0, 100.0, NOW)
    take(ledger, fill("1", "buy", "99", "2", fee=fee("0.01", "BNB")))
    assert ledger.missing_rates() == {"BNB": 1}
    figures = ledger.figures(KEY, NOW)
    assert figures.realized == 0
    assert figures.unrealized == 2
    assert figures.fees is None
    assert figures.total is None
    ledger.observe_mid("alpha", "BNB/USDT", T0 + 5, 300.0, NOW)
    assert ledger.missing_rates() == {}
    assert ledger.figures(KEY, NOW).fees == 3
    assert ledger.figures(KEY, NOW).total == -1


def test_a_missing_quote_rate_hides_every_usd_figure_but_the_position() -> None:
    """PnL in an unpriced currency is unknown, while what is held is known all the same."""
    ledger = Ledger(Rates(), ListLog())
    take(ledger, fill("1", "buy", "99", "2"))
    take(ledger, fill("2", "sell", "100", "1", T0 + 1))
    figures = ledger.figures(KEY, NOW)
    assert ledger.books[KEY].running.position.quantity == 1
    assert {figures.realized, figures.unrealized, figures.fees, figures.total} == {None}
    assert ledger.missing_rates() == {"USDT": 2}
    ledger.observe_mid("alpha", "USDT/USD", T0, 0.5, NOW)
    ledger.observe_mid("alpha", "BTC/USDT", T0, 103.0, NOW)
    assert ledger.figures(KEY, NOW).realized == D("0.5")
    assert ledger.figures(KEY, NOW).unrealized == 2


def test_a_fill_from_before_the_first_price_is_valued_nearby_and_counted() -> None:
    """History has fills older than any price we know: they get the nearest one, and it is said."""
    ledger = ledger_with_mids()
    take(ledger, fill("1", "buy", "99", "2", T0, fee=fee("0.01", "BNB")))
    assert ledger.books[KEY].sums.approximate == 0
    take(ledger, fill("0", "buy", "99", "2", T0 - 3600, fee=fee("0.01", "BNB")), redelivery=True)
    assert ledger.books[KEY].sums.approximate == 1
    assert ledger.figures(KEY, NOW).fees == 6


def test_a_price_once_used_is_not_replaced_while_a_fee_waits() -> None:
    """PnL does not depend on what became known between a fill and the conversion of its fee."""
    ledger = Ledger(Rates({"USDT": D(1)}), ListLog())
    take(ledger, fill("1", "buy", "110", "1", fee=(fee("0.1", "BTC"), fee("0.01", "BNB"))))
    ledger.observe_mid("alpha", "BTC/USDT", T0, 120.0, NOW)
    ledger.observe_mid("alpha", "BNB/USDT", T0, 300.0, NOW)
    take(ledger, fill("2", "sell", "110", "0.9", T0 + 1))
    figures = ledger.figures(KEY, NOW)
    assert figures.fees == 14
    assert figures.realized == 0
    assert figures.total == -14


def test_a_fee_whose_rate_is_known_first_counts_once() -> None:
    """A fee may be convertible before the currency of the market is."""
    ledger = Ledger(Rates(), ListLog())
    ledger.observe_mid("alpha", "BNB/USD", T0, 300.0, NOW)
    take(ledger, fill("1", "buy", "99", "2", fee=fee("0.01", "BNB")))
    assert ledger.figures(KEY, NOW).fees is None
    ledger.observe_mid("alpha", "USDT/USD", T0, 1.0, NOW)
    assert ledger.figures(KEY, NOW).fees == 3


def test_what_could_not_be_written_down_when_a_rate_came_is_valued_later() -> None:
    """While the log takes nothing, market data is taken all the same, and nothing waits for ever."""
    log = FullLog()
    ledger = Ledger(Rates(), log)
    take(ledger, fill("1", "buy", "99", "2"))
    log.is_full = True
    ledger.observe_mid("alpha", "USDT/USD", T0, 1.0, NOW)
    list(ledger.catch_up())
    assert ledger.missing_rates() == {"USDT": 1}
    log.is_full = False
    list(ledger.catch_up())
    assert ledger.missing_rates() == {}


def test_many_that_wait_are_valued_in_slices() -> None:
    """A first rate does not hold up everything else, and in the end all is valued, once."""
    log = ListLog()
    ledger = Ledger(Rates(), log)
    for number in range(1000):
        take(ledger, fill(str(number), "buy", "99", "2", T0 + number))
    ledger.observe_mid("alpha", "USDT/USD", T0, 1.0, NOW)
    left = ledger.missing_rates()["USDT"]
    assert 0 < left < 1000
    ledger.observe_mid("alpha", "BTC/USDT", T0, 100.0, NOW)
    list(ledger.catch_up())
    assert ledger.missing_rates() == {}
    assert sum(isinstance(record, Revalued) for _, records in log.since(0.0) for record in records) == 1000
    assert ledger.books[KEY].running.certain


def test_a_transfer_waits_for_its_rate() -> None:
    """It is told as missing, valued when a market tells, and after a restart the same."""
    log = ListLog()
    ledger, again = Ledger(Rates(), log), Ledger(Rates(), log)
    moved = Transfer(exchange="alpha", account="main", transfer_id="1", currency="BTC", amount=D(2), ts=T0)
    ledger.transfer(moved)
    assert ledger.missing_rates() == {"BTC": 1}
    ledger.observe_mid("alpha", "BTC/USD", T0, 100.0, NOW)
    for number, records in list(log.since(0.0)):
        for record in records:
            again.restore(record, number)
    for each in (ledger, again):
        assert each.missing_rates() == {}
        assert each.accounts["alpha", "main"].transfers_usd == 200


def test_a_fill_that_is_valued_while_older_ones_are_read_again_counts_once() -> None:
    """At whatever moment of the reading it comes and its rate becomes known."""
    for slices in range(16):
        log = ListLog(per_row=500)
        before = Ledger(Rates({"USDT": D(1)}), log)
        for number in range(10, 2000):
            take(before, fill(str(number), "buy", "99", "2", T0 + number))
        take(before, fill("1", "buy", "99", "2", T0))
        log.cut()
        ledger = Ledger(Rates(), log)
        for number, records in list(log.since(0.0)):
            for record in records:
                ledger.restore(record, number)
        reading = ledger.catch_up()
        for _ in range(slices):
            next(reading, None)
        take(ledger, fill("2000", "buy", "99", "2", T0 + 2000))
        ledger.observe_mid("alpha", "USDT/USD", T0, 1.0, NOW)
        list(reading)
        list(ledger.catch_up())
        assert ledger.books[KEY].running.position.quantity == 2 * 1992
        assert ledger.books[KEY].running.certain


def test_what_we_asked_for_is_not_late() -> None:
    """Fills from the history come after later ones by their nature, and only the exchange's delays count."""
    ledger = ledger_with_mids()
    take(ledger, fill("2", "buy", "99", "2", T0 + 1))
    take(ledger, fill("1", "buy", "99", "2", T0), redelivery=True)
    assert ledger.accounts["alpha", "main"].late == 0


def test_ids_that_are_no_numbers_do_not_make_fills_late() -> None:
    """Fills of one moment have no order but that of their ids, and came together."""
    ledger = ledger_with_mids()
    for name in ("TZX3", "TAB1", "TQQ2", "TAA0"):
        take(ledger, fill(name, "buy", "99", "2"))
    assert ledger.accounts["alpha", "main"].late == 0
    take(ledger, fill("TAA1", "buy", "99", "2", T0 - 0.001))
    assert ledger.accounts["alpha", "main"].late == 1


def restarted(log: ListLog, rates: Rates) -> Ledger:
    """A ledger with what the log has."""
    ledger = Ledger(rates, log)
    for number, records in list(log.since(0.0)):
        for record in records:
            ledger.restore(record, number)
    return ledger


def test_a_peg_that_is_added_values_what_waited() -> None:
    """After the restart that the new configuration takes, without a market, and at the mids of the time."""
    log = ListLog()
    ledger = Ledger(Rates(), log)
    ledger.observe_mid("alpha", "BTC/USDT", T0, 100.0, NOW)
    take(ledger, fill("1", "buy", "99", "2", T0 + 1, fee=fee("0.01", "BTC")))
    take(ledger, fill("2", "sell", "101", "1", T0 + 2))
    ledger.transfer(Transfer(exchange="alpha", account="main", transfer_id="1", currency="USDT", amount=D(2), ts=T0))
    again = restarted(log, Rates({"USDT": D(1)}))
    list(again.catch_up())
    assert again.missing_rates() == {}
    figures = again.figures(KEY, NOW)
    assert (figures.realized, figures.spread, figures.fees) == (D("2.01"), D(3), D(1))
    assert again.accounts["alpha", "main"].transfers_usd == 2
    revalued = [record for _, records in log.since(0.0) for record in records if isinstance(record, Revalued)]
    assert [record.exact for record in revalued if record.symbol] == [True, True]


def test_what_waits_is_counted_as_it_comes_and_goes() -> None:
    """However much it is, a scrape does not go through it, and of several currencies one that is lacking is told."""
    log = ListLog()
    ledger = Ledger(Rates({"USDT": D(1)}), log)
    for number in range(3000):
        take(ledger, fill(str(number), "buy", "99", "2", T0 + number, fee=(fee("1", "HT"), fee("1", "BNB"))))
    for each in (ledger, restarted(log, Rates({"USDT": D(1)}))):
        assert each.missing_rates() == {"HT": 3000}
        assert calls(each.missing_rates) < 50
        each.observe_mid("alpha", "HT/USDT", T0, 5.0, NOW)
        assert each.missing_rates() == {"BNB": 3000}
    ledger.observe_mid("alpha", "BNB/USDT", T0, 300.0, NOW)
    list(ledger.catch_up())
    assert ledger.missing_rates() == {}
    assert ledger.figures(KEY, NOW).fees == 3000 * 305


class TornLog(ListLog):
    """A log of which an early row cannot be read."""

    is_torn = True

    def since(self, ts: float) -> Iterator[tuple[int, list[Record]]]:
        yield 1, self.records(1)
        if self.is_torn and ts < T0 + 100:
            raise JournalError("row 2 is damaged")
        yield from list(super().since(ts))[1:]


def test_a_book_that_cannot_be_read_again_keeps_no_other_from_its_place() -> None:
    """It tells no figure that may be wrong, and is whole again once the rows can be read."""
    log = TornLog()
    ledger = Ledger(Rates({"USDT": D(1)}), log, chunk=4)
    other = KEY._replace(symbol="ETH/USDT")
    for symbol in (KEY.symbol, other.symbol):
        for number in range(100, 200):
            take(ledger, fill(str(number), "buy", "99", "2", T0 + number, symbol=symbol))
    list(ledger.catch_up())
    take(ledger, fill("1", "buy", "99", "2", T0))
    take(ledger, fill("150000", "buy", "99", "2", T0 + 150.5, symbol=other.symbol))
    list(ledger.catch_up())
    assert list(ledger.torn.values()) == ["row 2 is damaged"]
    ledger.observe_mid("alpha", "BTC/USDT", T0, 100.0, NOW)
    figures, book = ledger.figures(KEY, NOW), ledger.books[KEY]
    assert {figures.realized, figures.unrealized, figures.notional, figures.spread, book.base} == {None}
    assert book.average_price is None
    take(ledger, fill("200", "buy", "99", "2", T0 + 200))
    assert book.running.position.quantity == 101 * 2
    ledger.observe_mid("alpha", "ETH/USDT", T0, 100.0, NOW)
    assert ledger.figures(other, NOW).unrealized == 101 * 2
    log.is_torn = False
    for _ in range(100):
        list(ledger.catch_up())
    assert ledger.torn == {}
    assert book.base == 102 * 2
    assert ledger.figures(KEY, NOW).unrealized == 102 * 2


def test_a_stale_mid_values_nothing() -> None:
    """When market data stops, what the position is worth is unknown; what was realised still is known."""
    ledger = ledger_with_mids()
    take(ledger, fill("1", "buy", "99", "2"))
    figures = ledger.figures(KEY, NOW + 60)
    assert figures.realized == 0
    assert {figures.unrealized, figures.notional, figures.total} == {None}


@dataclass(frozen=True)
class Slow:
    """The oracle's answer: all fills sorted, one pass, exact fractions."""

    position: Fraction
    realized: Fraction
    fees: Fraction


Mids = list[tuple[float, float]]


def slow_mid(mids: Mids, ts: float) -> Fraction:
    """The last mid at or before a time, looked for one by one."""
    standing = mids[0][1]
    for since, mid in mids:
        if since <= ts:
            standing = mid
    return Fraction(str(standing))


def slow_ledger(fills: list[Fill], mids: dict[str, Mids]) -> Slow:
    """Average cost, and fees at the mid of each fill's time, without any of the ledger's code."""
    quantity = average = realized = fees = Fraction(0)
    steps = []
    for each in sorted(fills, key=lambda f: (f.ts, int(f.trade_id))):
        steps.append((Fraction(each.quantity) * (1 if each.side == "buy" else -1), Fraction(each.price)))
        for charged in each.fees:
            worth = slow_mid(mids[charged.currency], each.ts) if charged.currency in mids else Fraction(1)
            fees += Fraction(charged.amount) * worth
            if charged.currency == "BTC":
                steps.append((-Fraction(charged.amount), worth))
    for change, price in steps:
        rest = change
        if quantity * change < 0:
            closed = max(-abs(quantity), -abs(change)) * (1 if quantity > 0 else -1)
            realized += -closed * (price - average)
            quantity += closed
            rest = change - closed
        if rest:
            average = (average * quantity + price * rest) / (quantity + rest)
            quantity += rest
    return Slow(quantity, realized, fees)


_times = st.integers(0, 50).map(lambda ms: T0 + ms / 1000)
_mids = st.lists(st.tuples(_times, st.integers(1, 10**7).map(lambda cents: cents / 100)), min_size=1, max_size=8).map(
    lambda mids: sorted(dict(mids).items())
)
_fees = st.one_of(
    st.none(),
    st.builds(
        Fee,
        st.sampled_from(["USDT", "BNB", "BTC"]),
        st.decimals(min_value="-0.01", max_value="0.05", places=8),
    ),
)
_fills = st.lists(
    st.builds(
        fill,
        st.integers(1, 10**6).map(str),
        st.sampled_from(["buy", "sell"]),
        st.decimals(min_value="0.01", max_value="70000", places=2).map(str),
        st.decimals(min_value="0.00001", max_value="10", places=8).map(str),
        _times,
        fee=_fees,
    ),
    max_size=30,
    unique_by=lambda f: f.trade_id,
)


@settings(max_examples=200)
@given(_fills, _mids, _mids, st.randoms(use_true_random=False))
def test_any_order_with_repeats_equals_the_oracle(fills: list[Fill], btc: Mids, bnb: Mids, random: Random) -> None:
    """In any order of arrival, with any repeats and moving rates, the books equal exact fractions to 1e-12."""
    ledger = Ledger(Rates({"USDT": D(1)}), ListLog())
    for symbol, mids in (("BTC/USDT", btc), ("BNB/USDT", bnb)):
        for ts, mid in mids:
            ledger.observe_mid("alpha", symbol, ts, mid, NOW)
    arriving = fills + fills[::2]
    random.shuffle(arriving)
    for each in arriving:
        take(ledger, again(each))
    if not fills:
        assert not ledger.books
        return
    expected, figures = slow_ledger(fills, {"BTC": btc, "BNB": bnb}), ledger.figures(KEY, NOW)
    assert figures.realized is not None
    assert figures.fees is not None
    assert figures.rebates is not None
    assert ledger.books[KEY].running.position.quantity == expected.position
    assert abs(Fraction(figures.realized) - expected.realized) < Fraction(1, 10**12)
    assert abs(Fraction(figures.fees - figures.rebates) - expected.fees) < Fraction(1, 10**12)
    assert ledger.accounts["alpha", "main"].duplicates == len(fills[::2])


def again(each: Fill) -> Fill:
    """An equal fill that is another object, as a second report of the same trade would be."""
    return fill(each.trade_id, each.side, str(each.price), str(each.quantity), each.ts, fee=each.fee)
