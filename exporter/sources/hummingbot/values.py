"""Numbers and text out of what hummingbot tells, exact, or with words for what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from exporter.errors import EventError


def number(name: str, value: Any) -> Decimal:
    """A number as it stands, without zeros at its end; `EventError` for what is none, or none that money can have.

    A float stands for the shortest decimal number that it is the nearest to, which is the one that it was made
    from, if that had no more than fifteen digits.
    """
    try:
        read = Decimal(repr(value) if isinstance(value, float) else str(value))
        if read.is_finite():
            return shortest(read)
    except InvalidOperation:
        pass
    raise EventError(name, f"{name} is {value!r:.60}; it must be a number")


def shortest(value: Decimal) -> Decimal:
    """The same number without zeros at its end and without an exponent; it has to be finite, and not enormous."""
    value = value.normalize()
    return value.quantize(Decimal(1)) if value.as_tuple().exponent > 0 else value  # type: ignore[operator]  # finite


def required(values: Mapping[str, Any], key: str) -> Any:
    """The value of a key; `EventError` when it is not there."""
    value = values.get(key)
    if value is None:
        raise EventError(key, f"hummingbot sent no {key}: {dict(values)!r:.200}")
    return value
