"""What the fills of one book cost: effective spread and markouts by liquidity, and slippage."""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from exporter.events import BookKey, Liquidity
from exporter.journal.records import Valued
from exporter.metrics import SLIPPAGE_BUCKETS
from exporter.state.histogram import Histogram
from exporter.state.orders import OrderCounts
from exporter.state.quality.markouts import SavedTrack, Track


class SavedFills(msgspec.Struct, frozen=True, array_like=True):
    """A `FillQuality` to be kept and restored."""

    key: BookKey
    slippage: float
    slippage_volume: float
    slippages: list[int]
    slippage_total: float
    unpriced: int
    tracks: list[SavedTrack]


class FillQuality:
    """The fills of one book.

    Slippage is s·(p - decision)/decision, positive when the fill was worse than the price on which the bot decided;
    ``slippage`` is its sum weighted by ``slippage_volume``, the USD volume valued at the decision prices. What was
    decided and never filled is not in it. ``unpriced`` counts fills without a known mid or rate for their own time,
    which have neither effective spread nor markouts. ``orders`` are the
    book's, and ``decisions`` their decision prices by id.
    """

    def __init__(
        self,
        key: BookKey,
        horizons: tuple[float, ...],
        orders: OrderCounts,
        decisions: dict[str, float],
        *,
        inverse: bool,
    ) -> None:
        self.key = key
        self.orders = orders
        self.decisions = decisions
        self.inverse = inverse
        self.last_order = ""
        self.slippage = 0.0
        self.slippage_volume = 0.0
        self.slippages = Histogram(SLIPPAGE_BUCKETS)
        self.unpriced = 0
        self.tracks: dict[Liquidity, Track] = {}
        self._horizons = horizons
        self.track("maker")
        self.track("taker")

    def track(self, liquidity: Liquidity) -> Track:
        """The fills with this liquidity."""
        track = self.tracks.get(liquidity)
        if track is None:
            track = self.tracks[liquidity] = Track(liquidity, self._horizons, inverse=self.inverse)
        return track

    def slip(self, valued: Valued, decision: float) -> None:
        """Count a fill against its decision price."""
        fill, price = valued.fill, float(valued.fill.price)
        units = float(fill.quantity) * float(fill.contract_size) * float(valued.rate or 0)
        if fill.side == "sell":
            units = -units
        if self.inverse:
            units /= decision * decision
        cost, volume = units * (price - decision), abs(units) * decision
        self.slippage += cost
        self.slippage_volume += volume
        ratio, slippages = cost / volume, self.slippages
        slippages.counts[bisect_left(slippages.bounds, ratio)] += 1
        slippages.total += ratio

    def missing(self) -> dict[float, int]:
        """How many fills have no markout at each horizon, and never will."""
        found = dict.fromkeys(self._horizons, self.unpriced)
        for track in self.tracks.values():
            for horizon in track.horizons:
                found[horizon.seconds] += horizon.missing
        return found

    def save(self) -> SavedFills:
        """All of it as a value."""
        slippages, tracks = self.slippages, [track.save() for track in self.tracks.values()]
        sums = (self.slippage, self.slippage_volume, slippages.counts.copy(), slippages.total)
        return SavedFills(self.key, *sums, self.unpriced, tracks)

    def load(self, saved: SavedFills, *, clean: bool) -> None:
        """Go on from what was saved (see `Quality.load`)."""
        self.slippage = saved.slippage
        for track in saved.tracks:
            self.track(track.liquidity).load(track, clean=clean)
        if clean:
            self.slippage_volume, self.unpriced = saved.slippage_volume, saved.unpriced
            self.slippages.load(saved.slippages, saved.slippage_total)
