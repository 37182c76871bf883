"""What the price did after our fills: markouts, realised spread and price impact, horizon by horizon.

With s = +1 when we bought and -1 when we sold, d the same of the aggressor (ours when we took, the other one's when we
made), p the fill's price, m the mid of its time, n the mid a horizon later, and V the fill's volume valued at m in USD:

    effective spread  2·d·(p - m)/m     realised spread  2·d·(p - n)/m     price impact  2·d·(n - m)/m
    markout           s·(n - p)·quantity in USD

Spreads are kept as Σ V·ratio and Σ V, so that their quotient is the exact volume-weighted mean over any window.
An inverse contract's markout is s·(1/p - 1/n)·quantity coins. USD are those of the fill's own time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter

import msgspec

from exporter.events import ONE, ZERO, Liquidity
from exporter.journal.records import Valued
from exporter.ledger.currency import MidHistory
from exporter.metrics import SPREAD_BUCKETS
from exporter.state.histogram import Histogram
from exporter.state.quality.rows import Group, Rows, joined

# Twice the sign of d·s: what we earn as maker, the other side pays as aggressor.
_WAYS: dict[Liquidity, float] = {"maker": -2.0, "taker": 2.0, "unknown": 0.0}

# Half a microsecond: a change of the mid exactly a horizon after a fill counts as having happened, whatever the
# last digit of their times makes of it.
_ROUNDING = 5e-7

BATCH = 64  # fills
_STRIDE = 2048  # fills after which a step is due, even within one turn of the event loop
_MOST = 65_536  # rows; a fill a millisecond for a minute
_SEGMENTS = 256  # stretches of one mid in a step, which is then over in half a millisecond

_TIME = attrgetter("fill.ts")

# Through JSON, many decimals become the same floats as by `float` in a third of the time.
_as_json = msgspec.json.Encoder(decimal_format="number").encode
_floats = msgspec.json.Decoder(list[float]).decode


def _numbers(fills: list[Valued]) -> Iterator[tuple[float, float, float, float]]:
    """Of each fill, in the order of time: its time, amount, price and mid.

    The amount is quantity times contract size times USD per unit of settlement, negative when sold.
    """
    times = [valued.fill.ts for valued in fills]
    if times != sorted(times):
        fills.sort(key=_TIME)
        times.sort()
    amounts = _floats(_as_json([valued.fill.quantity for valued in fills]))
    prices = _floats(_as_json([valued.fill.price for valued in fills]))
    mid, rate, last_mid, last_rate = 0.0, 0.0, ZERO, ZERO  # those of one fill are mostly those of the next one, too
    for valued, ts, amount, price in zip(fills, times, amounts, prices, strict=True):
        fill = valued.fill
        if valued.mid is not last_mid:
            last_mid, mid = valued.mid, float(valued.mid)
        if valued.rate is not None and valued.rate is not last_rate:
            last_rate, rate = valued.rate, float(valued.rate)
        signed = amount * rate if fill.side == "buy" else -amount * rate
        yield ts, signed if fill.contract_size is ONE else signed * float(fill.contract_size), price, mid


class SavedHorizon(msgspec.Struct, frozen=True, array_like=True):
    """A `Horizon` to be kept and restored; ``pending`` fills were still waiting."""

    seconds: float
    markout: float
    realized: float
    impact: float
    volume: float
    missing: int
    pending: int


class SavedTrack(msgspec.Struct, frozen=True, array_like=True):
    """A `Track` to be kept and restored."""

    liquidity: Liquidity
    effective: float
    effective_volume: float
    ratios: list[int]
    ratio_total: float
    horizons: list[SavedHorizon]


class Horizon:
    """The sums of the fills whose horizon has passed.

    ``markout`` is in USD; ``realized`` and ``impact`` are volume times ratio, also in USD; ``volume`` the USD volume of
    these fills; ``missing`` counts fills for which the mid was not known then.
    """

    __slots__ = ("after", "impact", "markout", "missing", "place", "realized", "seconds", "volume")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.after = seconds + _ROUNDING
        self.place = 0  # the first row that has not passed
        self.markout = 0.0
        self.realized = 0.0
        self.impact = 0.0
        self.volume = 0.0
        self.missing = 0

    def take(self, sums: Sequence[float], mid: float, way: float, *, inverse: bool) -> None:
        """Account for fills with the mid that stood when their horizon passed."""
        if inverse:
            units, at_mid, edge, volume, coins, paid = sums
            drift = mid * units - at_mid
            self.markout += -coins / mid - paid
        else:
            units, at_mid, edge, volume = sums
            drift = mid * units - at_mid
            self.markout += drift - edge
        self.impact += way * drift
        self.realized += way * (edge - drift)
        self.volume += volume


class Track:
    """The fills of one book with one liquidity; who adds to ``fresh`` calls `settle` when there are `BATCH` of them.

    What waits is bounded: beyond half of 65,536 different times within the longest horizon, fills share one time with
    those up to a few milliseconds before them (the horizon over 32,768), and should nothing ever pass, the oldest
    are given up as missing.
    """

    __slots__ = (
        "_grain",
        "_inverse",
        "_late",
        "_rows",
        "_settled",
        "_way",
        "effective",
        "effective_volume",
        "fresh",
        "horizons",
        "liquidity",
        "ratios",
    )

    def __init__(self, liquidity: Liquidity, horizons: tuple[float, ...], *, inverse: bool) -> None:
        self.liquidity: Liquidity = liquidity
        self.horizons = [Horizon(seconds) for seconds in horizons]
        self.effective = 0.0
        self.effective_volume = 0.0
        self.ratios = Histogram(SPREAD_BUCKETS)
        self.fresh: list[Valued] = []
        self._way = _WAYS[liquidity]
        self._inverse = inverse
        self._rows = Rows(inverse=inverse)
        self._grain = max(horizons, default=0.0) / (_MOST // 2)
        self._late: list[tuple[Horizon, Group]] = []
        self._settled = 0  # since the last step

    def settle(self) -> bool:
        """Account for the ``fresh`` fills, many in one loop since each call counts; True when a `step` is due."""
        fresh, self.fresh = self.fresh, []
        if not fresh:
            return False
        way, inverse, grain = self._way, self._inverse, self._rows.grain
        counts, bounds, groups = self.ratios.counts, self.ratios.bounds, list[Group]()
        until = ratios = edges = volumes = 0.0
        for ts, amount, price, mid in _numbers(fresh):
            coins = paid = 0.0
            if inverse:
                coins, paid = amount, -amount / price
                amount /= mid * mid  # noqa: PLW2901 - the same fill in other units
            worth, edge = amount * mid, amount * (price - mid)
            volume = worth if worth > 0.0 else -worth
            ratio = way * edge / volume
            counts[bisect_left(bounds, ratio)] += 1
            ratios += ratio
            edges += edge
            volumes += volume
            group = (ts, 1, amount, worth, edge, volume, coins, paid)
            if ts > until:
                groups.append(group)
                until = self._shared_until(ts) if grain else ts
            else:
                groups[-1] = joined(groups[-1], group)
        self._put(groups)
        self.ratios.total += ratios
        self.effective += way * edges
        self.effective_volume += volumes
        self._settled += len(fresh)
        return self._settled >= _STRIDE

    def step(self, history: MidHistory, now: float, most: int = _SEGMENTS) -> bool:
        """Account for horizons that have passed; True when it stopped early and more have.

        ``history`` holds the market's mids; ``now`` is our time. ``most`` bounds the work.
        """
        self.settle()
        self._settled = 0
        passed = history.passed(now)
        for horizon, group in self._late:
            self._take_late(horizon, group, history.standing(group[0] + horizon.after)[0])
        self._late.clear()
        for horizon in self.horizons:
            most = self._advance(horizon, history, passed, most)
        self._compact()
        return most <= 0

    def relieve(self, history: MidHistory) -> None:
        """Do a step that is due; what nothing passes, and is too much, is given up as missing."""
        more = self.step(history, 0.0)
        if len(self._rows) >= _MOST:
            while more:
                more = self.step(history, 0.0)
        if len(self._rows) >= _MOST:
            self._give_up(_MOST // 2)

    def pending(self, horizon: Horizon) -> int:
        """How many fills wait for this horizon."""
        late = sum(fills for late, (_, fills, *_) in self._late if late is horizon)
        return self._rows.count(horizon.place, len(self._rows)) + late

    def save(self) -> SavedTrack:
        """All of it as a value, but for what waits, of which there is only the number."""
        self.settle()
        horizons = [
            SavedHorizon(h.seconds, h.markout, h.realized, h.impact, h.volume, h.missing, self.pending(h))
            for h in self.horizons
        ]
        ratios = self.ratios
        return SavedTrack(
            self.liquidity, self.effective, self.effective_volume, ratios.counts.copy(), ratios.total, horizons
        )

    def load(self, saved: SavedTrack, *, clean: bool) -> None:
        """Go on from what was saved (see `Quality.load`); what waited then is missing now."""
        self.effective = saved.effective
        known = {horizon.seconds: horizon for horizon in saved.horizons}
        for horizon in self.horizons:
            before = known.get(horizon.seconds)
            if before is not None:
                horizon.markout, horizon.realized, horizon.impact = before.markout, before.realized, before.impact
                if clean:
                    horizon.volume, horizon.missing = before.volume, before.missing + before.pending
        if clean:
            self.effective_volume = saved.effective_volume
            self.ratios.load(saved.ratios, saved.ratio_total)

    def _shared_until(self, ts: float) -> float:
        """Until when fills share the row of a fill at ``ts``, or the row before it that it shares."""
        times, grain = self._rows.times, self._rows.grain
        return (times[-1] if times and 0 <= ts - times[-1] <= grain else ts) + grain

    def _put(self, groups: list[Group]) -> None:
        """Put fills, in the order of their times, in their places."""
        rows, behind = self._rows, 0
        if rows.times:
            last = rows.times[-1] + rows.grain
            while behind < len(groups) and groups[behind][0] <= last:
                self._put_behind(groups[behind])
                behind += 1
        if behind < len(groups):
            rows.extend(groups[behind:] if behind else groups)

    def _put_behind(self, group: Group) -> None:
        """Put fills beside or between those that are there; horizons that have passed take them at the next step."""
        rows, ts = self._rows, group[0]
        place = rows.place(ts)
        if place and ts - rows.times[place - 1] <= rows.grain and all(h.place < place for h in self.horizons):
            rows.merge(place - 1, group)
            return
        rows.insert(place, group)
        for horizon in self.horizons:
            if horizon.place > place:
                self._late.append((horizon, group))
                horizon.place += 1

    def _advance(self, horizon: Horizon, history: MidHistory, passed: float, most: int) -> int:
        """Carry one horizon on by at most that many stretches; gives how many of them are left."""
        rows, place, after = self._rows, horizon.place, horizon.after
        times, count = rows.times, len(rows)
        while most > 0 and place < count and (then := times[place] + after) < passed:
            most -= 1
            mid, until = history.standing(then)
            end = rows.end(place, after, min(until, passed))
            if mid is None:
                horizon.missing += rows.count(place, end)
            else:
                horizon.take(rows.sums(place, end), mid, self._way, inverse=self._inverse)
            place = end
        horizon.place = place
        return most

    def _take_late(self, horizon: Horizon, group: Group, mid: float | None) -> None:
        """Account for fills that came after their horizon had passed."""
        _, fills, *sums = group
        if mid is None:
            horizon.missing += fills
        else:
            horizon.take(sums if self._inverse else sums[:4], mid, self._way, inverse=self._inverse)

    def _give_up(self, end: int) -> None:
        """Count the rows before ``end`` as missing."""
        for horizon in self.horizons:
            if horizon.place < end:
                horizon.missing += self._rows.count(horizon.place, end)
                horizon.place = end
        self._compact()

    def _compact(self) -> None:
        """Drop rows that all horizons have passed."""
        rows, horizons = self._rows, self.horizons
        done = min((horizon.place for horizon in horizons), default=len(rows))
        if done >= 1024 or done == len(rows):
            rows.forget(done)
            for horizon in horizons:
                horizon.place -= done
        rows.grain = self._grain if len(rows) >= _MOST // 2 else 0.0
