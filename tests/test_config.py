"""Every way to get the configuration wrong gives one line that names file, line and key."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from exporter.config import (
    Config,
    Currency,
    Exchange,
    Limits,
    Log,
    Secret,
    Section,
    Targets,
    Web,
    load,
    parse,
)
from exporter.errors import ConfigError

ROOT = Path(__file__).parents[1]

EXCHANGE = "exchanges:\n- name: a\n  id: binance\n  symbols: [BTC/USDT]\n"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD_KEY", "abc")
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("exchangs: []", "f.yml:1: exchangs: unknown key; did you mean 'exchanges'?"),
        (EXCHANGE + "  symbls: [X/Y]", "f.yml:5: exchanges[0].symbls: unknown key; did you mean 'symbols'?"),
        ("web: {zzz: 1}", "f.yml:1: web.zzz: unknown key; known keys: listen, bearer_token, trusted_network"),
        ("exchanges:\n- id: binance", "f.yml:2: exchanges[0]: the key 'name' is missing"),
        (
            EXCHANGE.replace("BTC/USDT", "BTCUSDT"),
            "f.yml:4: exchanges[0].symbols[0]: expected str in the form BASE/QUOTE",
        ),
        (EXCHANGE.replace("[BTC/USDT]", "[]"), "f.yml:2: exchanges[0]: 'a' has no symbols"),
        (EXCHANGE + EXCHANGE.partition("\n")[2], "'a' with account 'default' stands twice; rename one"),
        (EXCHANGE + "  api_key: hunter2", "f.yml:5: exchanges[0].api_key: a secret never stands in this file"),
        (EXCHANGE + "  api_key: {}", "f.yml:5: exchanges[0].api_key: give either env or file"),
        (EXCHANGE + "  api_key: {env: GOOD_KEY}", "api_key and secret belong together"),
        (
            EXCHANGE + "  api_key: {env: NO_SUCH_KEY}\n  secret: {env: GOOD_KEY}",
            "f.yml:5: exchanges[0].api_key: the environment variable NO_SUCH_KEY is not set",
        ),
        (
            EXCHANGE + "  api_key: {env: GOOD_KEY}\n  secret: {file: /no/such/file}",
            "f.yml:6: exchanges[0].secret: the file /no/such/file cannot be read: No such file or directory",
        ),
        (EXCHANGE + "  ccxt: {secret: hunter2}", "f.yml:5: exchanges[0].ccxt.secret: no secret stands in this file"),
        (EXCHANGE + "  probe_interval: 0", "f.yml:5: exchanges[0].probe_interval: expected float > 0.0"),
        ("web: {listen: 0.0.0.0:9850}", "f.yml:1: web.listen: 0.0.0.0 is beyond loopback: set web.bearer_token"),
        ("web: {listen: '9850'}", "f.yml:1: web.listen: '9850' is not host:port"),
        ("web: {listen: '127.0.0.1:99999'}", "f.yml:1: web.listen: '127.0.0.1:99999' is not host:port"),
        (
            "targets: {exchange_error_ratio: {warning: 2}}",
            "targets.exchange_error_ratio.warning: expected float <= 1.0",
        ),
        ("currency: {pegs: {USDT: 0}}", "f.yml:1: currency.pegs.USDT: 0 is not a rate"),
        ("a: [", "f.yml:1: is not YAML"),
        ("just words", "f.yml:1: the file: expected object, got str"),
        (
            EXCHANGE.replace("binance", "binanc"),
            "f.yml:3: exchanges[0].id: ccxt streams from no exchange 'binanc'; did you mean binance?",
        ),
    ],
)
def test_a_problem_names_its_line_and_key(text: str, problem: str) -> None:
    """What is wrong, where, and what to do, without showing a secret."""
    with pytest.raises(ConfigError) as raised:
        parse(text, "f.yml", ["binance", "kraken"])
    assert any(problem in line for line in raised.value.problems), raised.value.problems
    assert "hunter2" not in str(raised.value)


def test_all_problems_are_told_at_once() -> None:
    """Whoever mends a file should not have to run it once for each mistake."""
    with pytest.raises(ConfigError) as raised:
        parse(
            "web: {listen: nowhere}\ncurrency: {pegs: {USDT: -1}}\n" + EXCHANGE + "  ccxt: {apiKey: x, secret: y}",
            "f.yml",
        )
    assert len(raised.value.problems) == 4


def test_an_empty_file_is_all_defaults() -> None:
    """Nothing needs to be configured for the exporter to start."""
    assert parse("") == Config()


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:9850", "[::1]:9850"])
def test_loopback_needs_no_token(listen: str) -> None:
    """On this machine alone, nothing is asked for."""
    assert parse(f"web: {{listen: '{listen}'}}").web.on_loopback


def test_pegs_are_exact() -> None:
    """A peg is the number that the file says, not the float nearest to it."""
    assert parse("currency: {pegs: {USDT: 0.9997}}").currency.pegs["USDT"] == Decimal("0.9997")


def test_secrets_come_from_environment_and_file(tmp_path: Path) -> None:
    """Both ways give the secret without surrounding blanks."""
    file = tmp_path / "key"
    file.write_text("s3cret\n")
    assert Secret(file=str(file)).read() == "s3cret"
    assert Secret(env="GOOD_KEY").read() == "abc"
    exchange = Exchange(name="a", id="b", api_key=Secret(env="GOOD_KEY"), secret=Secret(file=str(file)))
    assert exchange.credentials() == {"apiKey": "abc", "secret": "s3cret"}
    assert "s3cret" not in repr(exchange)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A path that is not there, or not text, gives one line."""
    with pytest.raises(ConfigError, match=r"no\.yml: cannot be read: No such file or directory"):
        load(tmp_path / "no.yml")
    (tmp_path / "bytes.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(tmp_path / "bytes.yml")


def test_the_example_is_valid_and_shows_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer finds each setting in the commented example, and the example works."""
    for name in ("BINANCE_API_KEY", "BINANCE_SECRET"):
        monkeypatch.setenv(name, "x")
    path = ROOT / "exporter.example.yml"
    load(path, ["binance", "kraken"])
    text = path.read_text()
    sections: list[type[Section]] = [Config, Exchange, Web, Currency, Targets, Limits, Log]
    for section in sections:
        for key in section.__struct_fields__:
            assert f"{key}:" in text, f"{key} of {section.__name__} is not in the example"
