"""Switching parts off in the configuration, each in the same way."""

from __future__ import annotations

import pytest

from exporter.collectors import discover, switched_on
from exporter.config import Config, parse
from exporter.errors import ConfigError
from exporter.intake import Intake
from exporter.live import Live
from exporter.publish import publishers
from exporter.sources import sources
from exporter.state.state import State

# One of everything that can be switched off, with secrets that are not there.
EVERYTHING = """
exchanges: [{name: a, id: binance, symbols: [A/B], api_key: {env: NO_1}, secret: {env: NO_2}, enabled: SWITCH}]
freqtrade: [{name: f, url: "http://h", username: {env: NO_3}, password: {env: NO_4}, enabled: SWITCH}]
hummingbot: [{name: h, mqtt: {host: h, bot_id: b, market: m, password: {env: NO_5}}, enabled: SWITCH}]
nautilus: [{name: n, password: {env: NO_6}, enabled: SWITCH}]
caches: [{name: c, kind: memcached, tls: true, enabled: SWITCH}]
push: {tokens: [{name: b, token: {env: NO_7}}], enabled: SWITCH}
incidents: {token: {env: NO_8}, enabled: SWITCH}
sms: {token: {env: NO_9}, urls: [{env: NO_10}], enabled: SWITCH}
upstream:
  prometheus: {url: "http://p", bearer_token: {env: NO_11}, enabled: SWITCH}
  alertmanager: {url: "http://a", bearer_token: {env: NO_12}, enabled: SWITCH}
host: {enabled: SWITCH}
stream: {enabled: SWITCH}
debug: {enabled: SWITCH}
"""
OFF, ON = EVERYTHING.replace("SWITCH", "false"), EVERYTHING.replace("SWITCH", "true")


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse(text, "f.yml")
    return raised.value.problems


def test_what_is_off_is_as_if_it_did_not_stand_there() -> None:
    """Its secrets need not be there, and nothing of it is left to run."""
    found = parse(OFF)
    nothing = Config()
    for name in ("exchanges", "freqtrade", "hummingbot", "nautilus", "caches"):
        assert getattr(found, name) == []
    assert (found.push.tokens, found.incidents.token, found.sms.urls, found.sms.token) == ([], None, [], None)
    assert found.upstream == nothing.upstream
    state = State(found)
    parts = sources(found, state, Intake(state)) | publishers(found, state) | Live(state).parts()
    assert set(parts) == {"source/ring"}


def test_what_is_on_is_checked() -> None:
    """The same with the switches on misses each secret."""
    found = "\n".join(problems(ON))
    assert all(f"NO_{number} is not set" in found for number in range(1, 13))
    assert "caches[0].tls: memcached is asked without TLS" in found


def test_keys_of_what_is_off_are_right_all_the_same() -> None:
    """Whoever switches it on again is not surprised."""
    assert problems(OFF.replace("symbols: [A/B]", "symbls: [A/B]")) == [
        "f.yml:2: exchanges[0].symbls: unknown key; did you mean 'symbols'?"
    ]
    assert problems("host: {enabled: 0}") == ["f.yml:1: host.enabled: expected true or false, got a whole number"]


def test_two_of_a_name_may_stand_there_when_one_is_off() -> None:
    """So that one can take the place of the other; what is wrong with the one that is on has its own place."""
    two = "exchanges:\n- {name: a, id: x, symbols: [A/B], enabled: %s}\n- {name: a, id: y, symbols: [A/B]}\n"
    bots = "freqtrade: []\nnautilus:\n- {name: n, enabled: %s}\n- {name: n}\n"
    caches = "caches:\n- {name: c, kind: redis, enabled: %s}\n- {name: c, kind: redis}\n"
    text = two + bots + caches
    found = parse(text.replace("%s", "false"))
    assert [each.id for each in found.exchanges] == ["y"]
    assert (len(found.nautilus), len(found.caches)) == (1, 1)
    assert [problem.partition(": ")[0] for problem in problems(text.replace("%s", "true"))] == [
        *("f.yml:2", "f.yml:3", "f.yml:3", "f.yml:7", "f.yml:10")
    ]
    assert problems(two.replace("%s", "false").replace("y, symbols: [A/B]", "y, symbols: []")) == [
        "f.yml:3: exchanges[1]: 'a' has no symbols; list at least one, such as [BTC/USDT]"
    ]


def test_every_collector_can_be_switched_off() -> None:
    """By the name under which it tells how it fared."""
    for name in discover():
        assert discover().keys() - switched_on(parse(f"collectors: {{{name}: {{enabled: false}}}}")) == {name}
