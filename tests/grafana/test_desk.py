"""What a desk is told of on its dashboard."""

from __future__ import annotations

import yaml

from grafana.sections.desk import DESK_ALERTS
from tests.prometheus.rules import FOLDER, alerts


def test_alerts_of_a_desk_are_those_on_bots_books_and_exchanges() -> None:
    """Every alert on bots, trading, risk and exchanges is a desk's, and each of a desk's is in the rules."""
    files = [FOLDER / "rules" / "alerts" / f"{name}.yml" for name in ("bots", "trading", "risk", "exchange")]
    groups = [group for path in files for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    meant = {rule["alert"] for group in groups for rule in group["rules"]}
    assert meant <= set(DESK_ALERTS) <= {rule["alert"] for rule in alerts()}
