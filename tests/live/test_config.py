"""What the section `upstream` may say."""

from __future__ import annotations

import pytest

from exporter.config import parse
from exporter.errors import ConfigError


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse(f"upstream: {{{text}}}", "f.yml")
    return raised.value.problems


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD", "abc")


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
@pytest.mark.parametrize("url", ["127.0.0.1:9090", "ftp://x", "http://", "http://a:hunter2@x", "http://x?q=hunter2"])
def test_an_address_that_is_none(name: str, url: str) -> None:
    """It is refused without being shown, since a password may stand in it."""
    assert problems(f"{name}: {{url: '{url}'}}") == [
        f"f.yml:1: upstream.{name}.url: this is not the address of a server; write for example http://127.0.0.1:9090"
    ]


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("username: {env: GOOD}", "upstream.prometheus: username and password belong together; give both or neither"),
        (
            "username: {env: GOOD}, password: {env: GOOD}, bearer_token: {env: GOOD}",
            "upstream.prometheus: a request has a login or a bearer_token; remove one of them",
        ),
        (
            "bearer_token: {env: NO_SUCH}",
            "upstream.prometheus.bearer_token: the environment variable NO_SUCH is not set",
        ),
        ("bearer_token: hunter2", "upstream.prometheus.bearer_token: a secret never stands in this file"),
        ("interval: 5", "upstream.prometheus.interval: unknown key"),
    ],
)
def test_what_contradicts_itself(rest: str, problem: str) -> None:
    """Where it stands, and what to do."""
    (found,) = problems(f"prometheus: {{url: 'http://x', {rest}}}")
    assert found.startswith(f"f.yml:1: {problem}")
    assert "hunter2" not in found


def test_the_smallest_one() -> None:
    """An address is enough."""
    found = parse("upstream: {alertmanager: {url: 'https://alerts.example.org/am'}}").upstream
    assert found.prometheus is None
    assert found.alertmanager is not None
    assert (found.interval, found.request_timeout) == (5, 2)
