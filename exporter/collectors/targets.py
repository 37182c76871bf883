"""Configured thresholds, for rules and dashboards to read."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """One gauge for each threshold in the configuration."""
    targets = state.config.targets
    errors = targets.exchange_error_ratio
    yield metrics.TARGET_EXCHANGE_AVAILABILITY, [((), targets.exchange_availability_ratio)]
    yield metrics.TARGET_EXCHANGE_ERRORS, [(("warning",), errors.warning), (("critical",), errors.critical)]
    yield metrics.TARGET_MARKET_DATA_AGE, [((), targets.market_data_age_seconds)]
    yield metrics.TARGET_DRIFT, [((), targets.drift_usd)]
    yield metrics.TARGET_ATTRIBUTION_ERROR, [((), targets.attribution_error_usd)]
