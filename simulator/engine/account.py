"""Balances of one account: free and locked, exact."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from simulator.engine.orders import ZERO


class Account:
    """Free and locked amounts by asset, in units of the asset; neither ever falls below zero."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self._free = dict(balances)
        self._locked: dict[str, Decimal] = {}

    def assets(self) -> list[str]:
        """Return all assets that the account knows, sorted."""
        return sorted(self._free.keys() | self._locked.keys())

    def free(self, asset: str) -> Decimal:
        """Return what can be spent."""
        return self._free.get(asset, ZERO)

    def locked(self, asset: str) -> Decimal:
        """Return what resting orders hold."""
        return self._locked.get(asset, ZERO)

    def total(self, asset: str) -> Decimal:
        """Return free plus locked."""
        return self.free(asset) + self.locked(asset)

    def add(self, asset: str, amount: Decimal) -> None:
        """Add ``amount`` (negative: take) to what is free.

        Raises ValueError if that would leave less than nothing.
        """
        left = self.free(asset) + amount
        if left < ZERO:
            msg = f"{asset}: {amount} is more than what is free ({self.free(asset)})"
            raise ValueError(msg)
        self._free[asset] = left

    def credit(self, asset: str, amount: Decimal) -> None:
        """Add ``amount``, however little that leaves: a wallet of contracts may end in debt."""
        self._free[asset] = self.free(asset) + amount

    def lock(self, asset: str, amount: Decimal) -> None:
        """Move ``amount`` (negative: back) from free to locked."""
        self.add(asset, -amount)
        self._locked[asset] = self.locked(asset) + amount

    def spend_locked(self, asset: str, amount: Decimal) -> None:
        """Take ``amount`` out of what is locked: a resting order paid with it."""
        self.lock(asset, -amount)
        self.add(asset, -amount)
