"""What strangers may see is one list, and nothing in it says whose it is."""

from __future__ import annotations

import copy
import re
from itertools import accumulate
from typing import Any

import pytest

from grafana import public
from grafana.dashboards import public as dashboard
from tests.grafana.test_dashboards import ROLES
from tests.prometheus.rules import labels_in_tests, recorded

RULES = {rule["record"]: rule for rule in recorded() if ":public_" in rule["record"]}
SAFE_LABELS = {"exchange:public_status:level": {"exchange"}}
each_rule = pytest.mark.parametrize("record", RULES)


def _with_query(expr: str) -> dict[str, Any]:
    return {"panels": [{"targets": [{"expr": expr}]}]}


def test_list_is_that_of_the_rules() -> None:
    """The list names every recorded series that is called public, and no other."""
    assert sorted(public.SERIES) == sorted(RULES)


@each_rule
def test_rule_leaves_no_label_but_the_exchange(record: str) -> None:
    """The whole of a public rule is one aggregation, by exchange for the exchanges' status and by nothing else."""
    rule = RULES[record]
    assert _aggregated_by(rule["expr"].strip()) == SAFE_LABELS.get(record, set())
    assert "labels" not in rule


def _aggregated_by(expr: str) -> set[str] | None:
    """Return the labels of the aggregation that an expression is, or None if it is anything else."""
    begin = re.match(r"(?:sum|min|max)(?: by \((.*?)\) | ?)\(", expr)
    if begin is None:
        return None
    depths = accumulate({"(": 1, ")": -1}.get(letter, 0) for letter in expr)
    opened = begin.end() - 1
    inside = [depth > 0 for depth in depths][opened:-1]
    return set((begin[1] or "").split(", ")) - {""} if all(inside) and expr.endswith(")") else None


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("sum(a) + (b)", None),
        ("a / sum(b)", None),
        ("sum(a)", set()),
        ("max by (exchange) (a / on (exchange) b)", {"exchange"}),
        ("max by (exchange, account) (a)", {"exchange", "account"}),
        ("sum without (exchange) (a)", None),
        ("topk(1, a)", None),
    ],
)
def test_what_an_expression_leaves(expr: str, labels: set[str] | None) -> None:
    """Only an aggregation around everything is known to leave no other labels."""
    assert _aggregated_by(expr) == labels


@each_rule
def test_rule_is_seen_to_drop_labels(record: str) -> None:
    """In promtool's tests, whose input has every label, each public series has no label but those."""
    assert {label for labels in labels_in_tests(record) for label in labels} == SAFE_LABELS.get(record, set())


def test_public_dashboard_asks_for_nothing_else() -> None:
    """The Public dashboard shows all that is public, nothing that is not, and offers no choice and no mark."""
    model = dashboard.build()
    assert public.private(model) == []
    asked = " ".join(target["expr"] for panel in model["panels"] for target in panel.get("targets", ()))
    assert [name for name in public.SERIES if name not in asked] == []
    assert model["templating"]["list"] == []
    assert [note["name"] for note in model["annotations"]["list"] if not note.get("builtIn")] == []
    assert model["links"] == []


@pytest.mark.parametrize(
    "expr",
    [
        "trading_equity_usd",
        "sum(trading_equity_usd) or system:public_pnl:ratio",
        'system:public_pnl:ratio or {__name__="trading_equity_usd"}',
        '{__name__=~".+"}',
        "count by (strategy) (ALERTS)",
        "system:capital_usd:sum",
        "exchange_account_symbol_strategy:public_pnl:ratio",
    ],
)
def test_query_of_anything_else_is_found(expr: str) -> None:
    """A query that reads anything else is named, however it asks for it."""
    assert public.private(_with_query(expr))


def test_query_is_found_wherever_it_stands() -> None:
    """A query in a collapsed row, an annotation or a variable is named as well."""
    model = dashboard.build()
    hidden = copy.deepcopy(model)
    hidden["panels"].append({"type": "row", "panels": [{"targets": [{"expr": "trading_equity_usd"}]}]})
    marked = copy.deepcopy(model)
    marked["annotations"]["list"].append({"expr": "trading_position_base"})
    chosen = copy.deepcopy(model)
    chosen["templating"]["list"].append({"query": "label_values(trading_equity_usd, account)"})
    assert public.private(hidden) == ["trading_equity_usd"]
    assert public.private(marked) == ["trading_position_base"]
    assert public.private(chosen) == ["account", "label_values", "trading_equity_usd"]


@pytest.mark.parametrize("name", ROLES)
def test_dashboards_of_roles_are_not_public(name: str) -> None:
    """Each role's dashboard shows what is not public, so that the check would refuse to publish it."""
    assert public.private(ROLES[name])
