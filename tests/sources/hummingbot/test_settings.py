"""What may stand in the section ``hummingbot``, and what is missing when the MQTT client is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from exporter.config import parse
from exporter.errors import ConfigError

BOT = "hummingbot:\n- name: quoter\n"
MQTT = BOT + "  database: /d\n  mqtt: {host: h, bot_id: b"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOT, "f.yml:2: hummingbot[0]: nothing is known of 'quoter'; give the path of its database, or mqtt, or both"),
        (
            BOT + "  mqtt: {host: h, bot_id: b}",
            "f.yml:3: hummingbot[0].mqtt: without a database, say which connector the bot trades through, as market",
        ),
        (MQTT.replace("bot_id: b", "bot_id: '#'") + "}", "f.yml:4: hummingbot[0].mqtt.bot_id: this is part of a topic"),
        (MQTT + ", namespace: 'a/+'}", "f.yml:4: hummingbot[0].mqtt.namespace: this is part of a topic"),
        (MQTT + ", port: 0}", "f.yml:4: hummingbot[0].mqtt.port: expected a whole number >= 1"),
        (MQTT + ", password: hunter2}", "f.yml:4: hummingbot[0].mqtt.password: a secret never stands in this file"),
        (MQTT + ", username: hunter2}", "f.yml:4: hummingbot[0].mqtt.username: "),
        (MQTT + ", password: {env: HOME}}", "f.yml:4: hummingbot[0].mqtt.password: a password needs a username"),
        (
            MQTT + ", username: {env: NO_SUCH_NAME}}",
            "f.yml:4: hummingbot[0].mqtt.username: the environment variable NO_SUCH_NAME is not set",
        ),
        (
            BOT + "  database: /d\n  symbols: {BTC-USDT: BTCUSDT}",
            "f.yml:4: hummingbot[0].symbols.BTC-USDT: expected text in the form BASE/QUOTE, such as BTC/USDT",
        ),
        (
            BOT + "  database: /d\n  venues: {binance: 7}",
            "f.yml:4: hummingbot[0].venues.binance: expected text, got a whole number",
        ),
        (BOT + "  database: /d\n- name: quoter\n  database: /e", "'quoter' is the name of hummingbot[0] already"),
    ],
)
def test_a_problem_names_its_line_and_key(text: str, problem: str) -> None:
    """What is wrong, where, and what to do, without showing a secret."""
    with pytest.raises(ConfigError) as raised:
        parse(text, "f.yml")
    assert any(problem in line for line in raised.value.problems), raised.value.problems
    assert "hunter2" not in str(raised.value)


WITHOUT_CLIENT = """
import sys
sys.modules["aiomqtt"] = None  # as if it were not installed
from exporter.config import parse
from exporter.errors import ServiceError
from exporter.intake import Intake
from exporter.sources import sources
from exporter.state.state import State
config = parse(sys.argv[1])
state = State(config)
try:
    print(*sources(config, state, Intake(state)))
except ServiceError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("mqtt", "answer"),
    [
        ("", "source/hummingbot/quoter"),
        ("  mqtt: {host: h, bot_id: b}", "in an environment of your own: pip install '.[hummingbot]'"),
    ],
)
def test_the_mqtt_client_is_needed_for_mqtt_alone(mqtt: str, answer: str) -> None:
    """A bot that is known by its database needs nothing installed; for messages it is said what is missing."""
    config = f"{BOT}  database: /d\n{mqtt}"
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLIENT, config], capture_output=True, text=True, check=True
    ).stdout
    assert answer in said
