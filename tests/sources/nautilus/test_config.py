"""What may stand in the section of a node, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from exporter.config import parse
from exporter.errors import ConfigError


def problem(**node: Any) -> str:
    """What is wrong with a node; `pytest.fail` if nothing is."""
    try:
        parse(yaml.safe_dump({"nautilus": [{"name": "node"} | node]}))
    except ConfigError as error:
        return str(error)
    pytest.fail("nothing was wrong")


def test_a_name_is_all_that_a_node_needs() -> None:
    """Everything else has a default, the same as nautilus's own where it has one."""
    node = parse("nautilus: [{name: node}]").nautilus[0]
    assert (node.host, node.port, node.streams_prefix) == ("127.0.0.1", 6379, "stream")


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"contract_sizes": {"X.Y": 1}}, "'X.Y' has no symbol"),
        ({"symbols": {"X.Y": "A/B:B"}, "contract_sizes": {"X.Y": 0}}, "0 is not a size"),
        ({"symbols": {"BTCUSDT": "BTC/USDT"}}, "has its venue behind a dot, as in BTCUSDT-PERP.BINANCE"),
        ({"symbols": {"X.Y": "BTCUSDT"}}, "in the form BASE/QUOTE"),
        ({"ca_file": "/a.pem"}, "set tls: true as well"),
        ({"password": "secret"}, "a secret never stands in this file"),
        ({"username": {"env": "HOME"}}, "a username needs a password beside it"),
        ({"trader_id": "TRADER 001"}, "nautilus[0].trader_id"),
        ({"port": 0}, "nautilus[0].port"),
    ],
)
def test_a_mistake_is_said_with_its_place(node: dict[str, Any], words: str) -> None:
    """Each has a line of its own that says what to do."""
    assert words in problem(**node)
