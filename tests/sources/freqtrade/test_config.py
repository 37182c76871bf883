"""What the section `freqtrade` may say."""

from __future__ import annotations

import pytest

from exporter.config import parse
from exporter.errors import ConfigError

BOT = "- {name: a, url: 'http://127.0.0.1:8080', username: {env: TEST_USERNAME}, password: {env: TEST_PASSWORD}"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse(text, "f.yml")
    return raised.value.problems


def test_a_bot_needs_little() -> None:
    """A name, an address and a login; all else is the bot's own word."""
    (bot,) = parse(f"freqtrade:\n{BOT}}}").freqtrade
    assert (bot.exchange, bot.account, bot.strategy, bot.ws_token) == (None, None, None, None)
    assert "hunter2" not in repr(bot)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://x", "http://", "http://hunter2:hunter2@x", "http://x?token=hunter2", "http://x y"]
)
def test_an_address_that_is_none(url: str) -> None:
    """It is refused without being shown, since a password may stand in it."""
    (problem,) = problems(f"freqtrade:\n{BOT.replace('http://127.0.0.1:8080', url)}}}")
    assert problem.startswith("f.yml:2: freqtrade[0].url: this is not the address of a bot; write for example http://")
    assert "hunter2" not in problem


def test_two_bots_of_one_name() -> None:
    """Their metrics would be one."""
    assert problems(f"freqtrade:\n{BOT}}}\n{BOT}}}") == [
        "f.yml:3: freqtrade[1].name: 'a' is the name of freqtrade[0] already; rename one"
    ]


@pytest.mark.parametrize("key", ["username", "password", "ws_token"])
def test_a_secret_never_stands_in_the_file(key: str) -> None:
    """Nor does a message show it."""
    keys = {"username": "{env: TEST_USERNAME}", "password": "{env: TEST_PASSWORD}"} | {key: "hunter2"}
    written = ", ".join(f"{name}: {value}" for name, value in keys.items())
    (problem,) = problems(f"freqtrade:\n- {{name: a, url: 'http://x', {written}}}")
    advice = "a secret never stands in this file; write {env: NAME} or {file: PATH}"
    assert problem == f"f.yml:2: freqtrade[0].{key}: {advice}"


def test_a_secret_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it should be is named."""
    monkeypatch.delenv("TEST_PASSWORD")
    (problem,) = problems(f"freqtrade:\n{BOT}}}")
    assert problem.startswith("f.yml:2: freqtrade[0].password: the environment variable TEST_PASSWORD is not set")
