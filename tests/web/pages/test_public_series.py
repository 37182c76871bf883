"""What is public is said in one place for dashboards and in one for the page; both must say the same."""

from __future__ import annotations

from exporter.live import public as page
from grafana import public as dashboards


def test_the_page_and_the_dashboards_show_the_same_series() -> None:
    """A figure that is added to or taken from one is so from the other."""
    assert set(page.SERIES) == set(dashboards.SERIES)
