"""The section ``links``: where everything else is, for the page at ``/``."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from exporter.config.base import Section

_ADDRESS = re.compile(r"https?://[^\s/?#@\\\"<>]+(/[^\s?#\\\"<>]*)?")


class Links(Section, frozen=True):
    """Addresses that a person's browser reaches. Whoever opens the page sees them.

    ``public`` is where strangers see the live figures; ``snapshot_file`` is where ``make snapshot`` writes the link of
    the newest snapshot.
    """

    grafana: str | None = None
    prometheus: str | None = None
    alertmanager: str | None = None
    public: str | None = None
    snapshot_file: str | None = None
    docs: str = "https://github.com/trading-exporter/trading-exporter/blob/main/README.md"

    @property
    def addresses(self) -> dict[str, str]:
        """Those that are given, by their key in the file."""
        named = {
            "grafana": self.grafana,
            "prometheus": self.prometheus,
            "alertmanager": self.alertmanager,
            "public": self.public,
            "docs": self.docs,
        }
        return {name: address for name, address in named.items() if address is not None}


def is_address(text: str) -> bool:
    """Whether a text is the address of a page, without anything in it that could be a secret."""
    if not _ADDRESS.fullmatch(text) or not text.isprintable():
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or a bracket that is none
        return False
