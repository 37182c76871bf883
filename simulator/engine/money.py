"""Money that comes into an account or leaves it other than by trading."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from simulator.engine.orders import ZERO


class MovementKind(StrEnum):
    """Why money moved; ``TRANSFER`` is between two wallets of one owner."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class Movement:
    """What happened to one asset.

    ``amount`` is signed and does not contain ``fee``, which is taken as well; ``time`` in milliseconds. ``symbol``
    is that of the contract which funding was paid for. ``is_done`` is false while it is under way: a deposit is not
    credited yet, a withdrawal has not arrived.
    """

    id: int
    kind: MovementKind
    asset: str
    amount: Decimal
    time: int
    fee: Decimal = ZERO
    symbol: str = ""
    is_done: bool = True
