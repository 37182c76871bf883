"""Addresses that everybody sees."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.document import Problem
from exporter.config.links import is_address
from exporter.config.schema import Config


def problems(config: Config) -> Iterator[Problem]:
    """Addresses that are none; none of them is repeated, since a password may be in it."""
    for name, address in config.links.addresses.items():
        if not is_address(address):
            text = (
                "is no address that everybody may see; write for example http://127.0.0.1:3000, without login, ? or #"
            )
            yield ("links", name), text
