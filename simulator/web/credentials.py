"""What an account signs its requests with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key and the secret of an account."""

    key: str
    secret: str
