"""Every way to get the configuration wrong gives one line that names file, line and key."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from exporter.config import Config, Exchange, Secret, load, loading, parse
from exporter.errors import ConfigError

ROOT = Path(__file__).parents[1]

EXCHANGE = "exchanges:\n- name: a\n  id: binance\n  symbols: [BTC/USDT]\n"

KNOWN = {
    "binance": ("apiKey", "secret"),
    "kraken": ("apiKey", "secret"),
    "okx": ("apiKey", "secret", "password"),
    "hyperliquid": ("walletAddress", "privateKey"),
    "phemex": ("apiKey", "secret", "accountId"),
}


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
            "f.yml:4: exchanges[0].symbols[0]: expected text in the form BASE/QUOTE",
        ),
        (
            'nautilus: [{name: n, trader_id: "my trader"}]',
            "f.yml:1: nautilus[0].trader_id: expected text that is one word, without blanks",
        ),
        (
            "risk:\n  capital_usd:\n    a/b: 1\n    binance: 1",
            "f.yml:4: risk.capital_usd.binance: expected text in the form exchange/account, such as binance/main",
        ),
        (
            "hummingbot: [{name: h, database: x, symbols: {A-B: A/B, BTC-USDT: BTCUSDT}}]",
            "f.yml:1: hummingbot[0].symbols.BTC-USDT: expected text in the form BASE/QUOTE, such as BTC/USDT",
        ),
        (
            "risk: {limits: {symbol_usd: {A/B: 1, BTC/USDT: x}}}",
            "risk.limits.symbol_usd.BTC/USDT: expected a number, got",
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
        (EXCHANGE + "  probe_interval: 0", "f.yml:5: exchanges[0].probe_interval: expected a number > 0.0"),
        ("web: {listen: 0.0.0.0:9850}", "f.yml:1: web.listen: 0.0.0.0 is beyond loopback: set web.bearer_token"),
        ("web: {listen: '9850'}", "f.yml:1: web.listen: '9850' is not host:port"),
        ("web: {listen: '127.0.0.1:99999'}", "f.yml:1: web.listen: '127.0.0.1:99999' is not host:port"),
        (
            "targets: {exchange_error_ratio: {warning: 2}}",
            "targets.exchange_error_ratio.warning: expected a number <= 1.0",
        ),
        ("currency: {pegs: {USDT: 0}}", "f.yml:1: currency.pegs.USDT: 0 is not a rate"),
        (
            "quality: {markout_horizons_seconds: [1, 5, 1]}",
            "f.yml:1: quality.markout_horizons_seconds[2]: 1 stands twice; remove one",
        ),
        (
            "quality: {markout_horizons_seconds: [3600]}",
            "f.yml:1: quality.markout_horizons_seconds[0]: expected a number <= 1800.0",
        ),
        ("a: [", "f.yml:1: is not YAML"),
        ("just words", "f.yml:1: the file: expected keys with values, got text"),
        (
            EXCHANGE.replace("binance", "binanc"),
            "f.yml:3: exchanges[0].id: ccxt has no exchange 'binanc'; did you mean binance?",
        ),
    ],
)
def test_a_problem_names_its_line_and_key(text: str, problem: str) -> None:
    """What is wrong, where, and what to do, without showing a secret."""
    with pytest.raises(ConfigError) as raised:
        parse(text, "f.yml", lambda: KNOWN)
    assert any(problem in line for line in raised.value.problems), raised.value.problems
    assert "hunter2" not in str(raised.value)


def problems(text: str) -> list[str]:
    """What is wrong with a configuration; each problem is one line and shows no value."""
    with pytest.raises(ConfigError) as raised:
        parse(text, "f.yml", lambda: KNOWN)
    assert "hunter2" not in str(raised.value)
    assert not any("\n" in line for line in raised.value.problems)
    return raised.value.problems


TAGGED = "a YAML tag (!…) or a lone = has no meaning here; remove it"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("log: {}\nweb: !hunter2 x", f"f.yml:2: web: {TAGGED}"),
        ("web: !!python/object:hunter2 x", f"f.yml:1: web: {TAGGED}"),
        ("web: !!set {hunter2}", f"f.yml:1: web: {TAGGED}"),
        ("web: {listen: !!binary hunter2}", f"f.yml:1: web.listen: {TAGGED}"),
        ("web:\n  listen: =", f"f.yml:2: web.listen: {TAGGED}"),
        (EXCHANGE + "  api_key: !hunter2", f"f.yml:5: exchanges[0].api_key: {TAGGED}"),
        ("web: !hunter2!x y", "f.yml:1: is not YAML: found undefined tag handle;"),
        ("web:\n  listen: *hunter2", "f.yml:2: is not YAML: found undefined alias; check indentation"),
        ("? [hunter2]\n: 2", "f.yml:1: the file: a key must be plain text; put quotes around it"),
        ("web: {{hunter2}}", "f.yml:1: web: a key must be plain text; put quotes around it"),
        ("? !!set {a}\n: 1", "f.yml:1: the file: a key must be plain text"),
        ("log: {}\n1: x", "f.yml:2: 1: a key must be text, and YAML reads one here as int; put quotes around it"),
        ("currency: {pegs: {NO: 1}}", "f.yml:1: currency.pegs.NO: a key must be text, and YAML reads one here as bool"),
        (EXCHANGE + "  ccxt: {1: x}", "f.yml:5: exchanges[0].ccxt.1: a key must be text"),
        ("web: {listen: 2024-13-45}", "f.yml:1: web.listen: this is not a valid timestamp; correct it, or put quotes"),
        ("web: {listen: 2024-01-01}", "f.yml:1: web.listen: expected text, got date"),
        ("web: !!int hunter2", "f.yml:1: web: this is not a valid int"),
        ("web: !!bool hunter2", "f.yml:1: web: this is not a valid bool"),
        ("web: !!timestamp hunter2", "f.yml:1: web: this is not a valid timestamp"),
        ("web: !!float ''", "f.yml:1: web: this is not a valid float"),
        ("limits: {series: " + "9" * 5000 + "}", "f.yml:1: limits.series: this is not a valid int"),
        ('web: {listen: "\\ud800"}', "f.yml:1: web.listen: this has half a character"),
        ('"a\\nb": 1', "f.yml:1: 'a\\nb': unknown key"),
        ("log: {}\nweb: \x00", "f.yml:2: has a character that YAML does not allow; remove it"),
        ("log: {}\n---\nweb: {}", "f.yml:2: a second document begins here; remove the --- and keep one"),
        ("[" * 5000, "f.yml:1: is nested too deeply"),
        ("web: &a {listen: *a}", "f.yml:1: web.listen: this holds itself by an alias (*…); remove the alias"),
        ("web: &a {<<: *a}", "f.yml:1: web: this holds itself by an alias"),
        ("web: {<<: 3}", "f.yml:1: web.<<: only mappings can be merged; write <<: *anchor of one"),
        ("web: {<<: [3]}", "f.yml:1: web.<<: only mappings can be merged"),
        ("log: {}\nweb: {}\nlog: {}", "f.yml:3: log: this key stands on line 1 already; keep one of them"),
        (EXCHANGE + "  name: b", "f.yml:5: exchanges[0].name: this key stands on line 2 already"),
        (EXCHANGE + '  "id": kraken', "f.yml:5: exchanges[0].id: this key stands on line 3 already"),
        (EXCHANGE + "  ccxt:\n    a: 1\n    a: 2", "f.yml:7: exchanges[0].ccxt.a: this key stands on line 6 already"),
        (EXCHANGE + "  api_key: {hunter2: 1, hunter2: 2}", "f.yml:5: exchanges[0].api_key: this key stands on line 5"),
        (EXCHANGE + "  api_key: {hunter2}", "f.yml:5: exchanges[0].api_key: a secret never stands in this file"),
    ],
)
def test_what_yaml_cannot_make_plain_is_refused(text: str, problem: str) -> None:
    """YAML's further features, and its own exceptions, end in a place and an advice."""
    assert any(line.startswith(problem) for line in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("probe_interval: .inf", "probe_interval: this must be a finite number, which .inf and .nan are not"),
        ("backfill_hours: .nan", "backfill_hours: this must be a finite number"),
        ("ccxt: {options: {x: .inf}}", "ccxt.options.x: this must be a finite number"),
        ("probe_interval: 86401", "probe_interval: expected a number <= 86400.0"),
        ("request_timeout: " + "9" * 400, "request_timeout: number out of range"),
        ("backfill_hours: 8761", "backfill_hours: expected a number <= 8760.0"),
        ("backfill_hours: 0", "backfill_hours: expected a number > 0.0"),
        (
            "api_key: {env: hunter2}\n  secret: {env: GOOD_KEY}",
            "api_key: the environment variable named here is not set",
        ),
        ("api_key: {file: hunter2}\n  secret: {env: GOOD_KEY}", "api_key: the file named here cannot be read: No such"),
        ("ccxt: {verbose: true}", "ccxt.verbose: it would print every request with its keys; remove it"),
        ("ccxt: {verbose: 'no'}", "ccxt.verbose: it would print every request"),
        ("rate_symbols: [BNB/USDT, BTC/USDT]", "rate_symbols[1]: BTC/USDT stands in symbols already; remove it here"),
        ("rate_symbols: [A/B, A/B]", "rate_symbols[1]: A/B stands in rate_symbols already; remove it here"),
        (
            "rate_symbols: ['ETH/USD:BTC']",
            "rate_symbols[0]: ETH/USD:BTC settles in BTC, neither ETH nor USD; it cannot be accounted for",
        ),
        (
            "rate_symbols: ['ETH/USD:']",
            "rate_symbols[0]: 'ETH/USD:' names no settlement currency; write contracts like",
        ),
        (
            "rate_symbols: ['ETH/USD:ETH-261225-3000-C']",
            "rate_symbols[0]: ETH/USD:ETH-261225-3000-C is an option; only spot, perpetuals and dated futures",
        ),
    ],
)
def test_a_value_that_an_exchange_cannot_have(text: str, problem: str) -> None:
    """Numbers without bounds, contracts, symbols that stand twice and whatever would show a key."""
    found = problems(EXCHANGE + "  " + text)
    assert [line.startswith(f"f.yml:5: exchanges[0].{problem}") for line in found] == [True], found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            EXCHANGE.replace("[BTC/USDT]", "[A/B, A/B]"),
            "f.yml:4: exchanges[0].symbols[1]: A/B stands in symbols already",
        ),
        (
            EXCHANGE.replace("BTC/USDT", "'BTC/USD:ETH'"),
            "f.yml:4: exchanges[0].symbols[0]: BTC/USD:ETH settles in ETH, neither BTC nor USD",
        ),
        (
            EXCHANGE + "- name: a\n  id: kraken\n  account: b\n  symbols: [A/B]",
            "f.yml:6: exchanges[1].id: 'a' is 'binance' further up and 'kraken' here; give each exchange a name",
        ),
        (
            "targets:\n  exchange_error_ratio: {warning: 0.2, critical: 0.1}",
            "f.yml:2: targets.exchange_error_ratio: warning, 0.2, exceeds critical, 0.1; lower the one or raise",
        ),
        ("targets: {exchange_error_ratio: {critical: 0.01}}", "f.yml:1: targets.exchange_error_ratio: warning, 0.02,"),
        (
            "targets: {market_data_age_seconds: 1000000}",
            "f.yml:1: targets.market_data_age_seconds: expected a number <= 864",
        ),
        ("limits: {series: 1" + "0" * 30 + "}", "f.yml:1: limits.series: expected a whole number <= 1000000000"),
        (
            "currency: {pegs: {USD: 1}}",
            "f.yml:1: currency.pegs.USD: everything is reported in USD, so that it has no peg",
        ),
        ("currency: {pegs: {usd: 2}}", "f.yml:1: currency.pegs.usd: everything is reported in USD"),
        (
            "currency: {pegs: {USDT: hunter2}}",
            "f.yml:1: currency.pegs.USDT: this is not a rate; give the dollars in one",
        ),
        ("currency: {pegs: {A: 1, USDT: true}}", "f.yml:1: currency.pegs.USDT: this is not a rate"),
        ("currency: {pegs: {USDT: Infinity}}", "f.yml:1: currency.pegs.USDT: Infinity is not a rate"),
        ("currency: {pegs: {USDT: sNaN}}", "f.yml:1: currency.pegs.USDT: sNaN is not a rate"),
        ("currency: {pegs: {USDT: 1e999}}", "f.yml:1: currency.pegs.USDT: 1E+999 is not a rate"),
        ("log: {level: hunter2}", "f.yml:1: log.level: unknown value; write debug or error or info or warning"),
    ],
)
def test_a_value_that_contradicts_another(text: str, problem: str) -> None:
    """What types alone cannot tell is told once, at its place."""
    found = problems(text)
    assert [line.startswith(problem) for line in found] == [True], found


@pytest.mark.parametrize("port", ["²", "٣", "-1", "+1", " 1", "1_0", "99999", "9" * 5000, ""])
def test_a_port_is_plain_digits(port: str) -> None:
    """What Python would take for a number, or for digits, is not a port yet."""
    (problem,) = problems(f"web: {{listen: '127.0.0.1:{port}'}}")
    assert "is not host:port; write for example 127.0.0.1:9850" in problem


@pytest.mark.parametrize("host", ["a b", "a\\nb", ""])
def test_a_host_has_no_blanks(host: str) -> None:
    """A line break in it must not break the message into two."""
    (problem,) = problems(f'web: {{listen: "{host}:1", trusted_network: true}}')
    assert "is not host:port" in problem


@pytest.mark.parametrize(
    "place",
    [
        *("apiKey", "APIKEY", "api_key", "secret", "apiSecret", "password", "passphrase", "uid", "login"),
        *("privateKey", "walletAddress", "token", "twofa", "headers.X-MBX-APIKEY", "headers.x-mbx-apikey"),
        *("headers.Authorization", "headers.Proxy-Authorization", "headers.OK-ACCESS-KEY", "headers.Cookie"),
        *("options.withdraw.password", "options.lighterPrivateKey"),
    ],
)
def test_no_secret_hides_in_ccxts_settings(place: str) -> None:
    """However deep it stands and however it is written."""
    text = "hunter2"
    for key in reversed(place.split(".")):
        text = f"{{{key}: {text}}}"
    (problem,) = problems(EXCHANGE + f"  ccxt: {text}")
    assert problem.startswith(f"f.yml:5: exchanges[0].ccxt.{place}: no secret stands in this file; use api_key, secret")


def test_no_secret_hides_in_a_list() -> None:
    """Lists are searched, too."""
    (problem,) = problems(EXCHANGE + "  ccxt:\n    x:\n    - 1\n    - token: hunter2")
    assert problem.startswith("f.yml:8: exchanges[0].ccxt.x[1].token: no secret stands in this file")


def test_settings_of_ccxt_pass_unchanged() -> None:
    """What only resembles a secret is none, and below ccxt's own keys a number may be one."""
    text = "{verbose: false, rateLimitMaxTokens: 5, options: {1: a, tokenBucket: {}}, urls: {api: {private: http://x}}}"
    assert parse(EXCHANGE + f"  ccxt: {text}").exchanges[0].ccxt == {
        "verbose": False,
        "rateLimitMaxTokens": 5,
        "options": {1: "a", "tokenBucket": {}},
        "urls": {"api": {"private": "http://x"}},
    }


MERGED = (
    EXCHANGE.replace("- name", "- &first\n  name")
    + "- <<: *first\n  name: b\n- <<: [{id: kraken}, *first]\n  name: c\n"
)


def test_anchors_and_merge_keys_work() -> None:
    """Several alike exchanges need to be written once; a key of one's own overrides what is merged."""
    found = [(each.name, each.id, each.symbols) for each in parse(MERGED).exchanges]
    assert found == [(name, id_, ["BTC/USDT"]) for name, id_ in [("a", "binance"), ("b", "binance"), ("c", "kraken")]]
    shared = parse("targets: {availability_ratio: &x 0.9, exchange_error_ratio: {critical: *x}}").targets
    assert shared.exchange_error_ratio.critical == 0.9


def test_a_merged_value_is_reported_where_it_is_written() -> None:
    """The line is that of the anchor's mapping, or of the key that overrides it."""
    bad_id = MERGED.replace("kraken", "krakn")
    assert problems(bad_id) == ["f.yml:8: exchanges[2].id: ccxt has no exchange 'krakn'; did you mean kraken?"]
    contract = problems(MERGED.replace("BTC/USDT", "'BTC/USDT:ETH'"))
    assert [line.partition(":")[2].partition(":")[0] for line in contract] == ["5", "5", "5"]
    overridden = problems(MERGED.replace("name: b", "id: binanc\n  name: b"))
    assert any(line.startswith("f.yml:7: exchanges[1].id: ccxt has no") for line in overridden), overridden


KEYS = "  api_key: {env: GOOD_KEY}\n  secret: {env: GOOD_KEY}\n"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("okx", "okx asks for a passphrase beside api_key and secret; give it as password: {env: …}"),
        ("hyperliquid", "hyperliquid asks for privateKey and walletAddress, and no setting is for that; leave api_key"),
        ("phemex", "phemex asks for accountId, and no setting is for that; leave api_key and secret out"),
    ],
)
def test_keys_are_those_that_the_exchange_asks_for(name: str, problem: str) -> None:
    """What ccxt would miss is said before anything runs; without any keys nothing is missed."""
    text = EXCHANGE.replace("binance", name)
    assert [line.startswith(f"f.yml:2: exchanges[0]: {problem}") for line in problems(text + KEYS)] == [True]
    assert not parse(text, "f.yml", lambda: KNOWN).exchanges[0].has_keys


def test_keys_that_are_complete() -> None:
    """With the passphrase, or with what is no secret among ccxt's settings, nothing is missed."""
    for name, rest in (("okx", "password: {env: GOOD_KEY}"), ("phemex", "ccxt: {accountId: 7}")):
        text = f"{EXCHANGE.replace('binance', name)}{KEYS}  {rest}"
        assert parse(text, "f.yml", lambda: KNOWN).exchanges[0].has_keys


def test_problems_are_in_the_order_of_their_lines() -> None:
    """A file is mended from top to bottom."""
    text = EXCHANGE.replace("BTC/USDT", "'X/Y:Z'") + "currency: {pegs: {USDT: -1}}\nweb: {listen: nowhere}"
    assert [line.split(":")[1] for line in problems(text)] == ["4", "5", "6"]


def test_all_problems_are_told_at_once() -> None:
    """Whoever mends a file should not have to run it once for each mistake."""
    with pytest.raises(ConfigError) as raised:
        parse(
            "web: {listen: nowhere}\ncurrency: {pegs: {USDT: -1}}\n" + EXCHANGE + "  ccxt: {apiKey: x, secret: y}",
            "f.yml",
        )
    assert len(raised.value.problems) == 4


def test_contracts_are_accounted_for() -> None:
    """Perpetuals and dated futures, settled in dollars or in coins."""
    text = EXCHANGE.replace("[BTC/USDT]", "['BTC/USDT:USDT', 'BTC/USD:BTC', 'ETH/USDT:USDT-261225']")
    assert len(parse(text).exchanges[0].symbols) == 3


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


def test_lines_inside_a_secret_stay(tmp_path: Path) -> None:
    """A PEM key has lines; only what surrounds it goes, a byte order mark included."""
    file = tmp_path / "key.pem"
    file.write_bytes(b"\xef\xbb\xbf\n -----BEGIN-----\nabc\n\nd e\n-----END-----\n\n")
    assert Secret(file=str(file)).read() == "-----BEGIN-----\nabc\n\nd e\n-----END-----"


@contextmanager
def without_privileges() -> Iterator[None]:
    """As nobody, where the tests run as root, to whom no file is closed."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_secret_that_may_not_be_read(tmp_path: Path) -> None:
    """Permissions are named as the reason."""
    file = tmp_path / "key"
    file.write_text("hunter2")
    file.chmod(0)
    with without_privileges(), pytest.raises(ConfigError, match="key cannot be read: Permission denied; correct the"):
        Secret(file=str(file)).read()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("{folder}/binary", "the file {folder}/binary is not text; save the secret alone, as UTF-8"),
        ("{folder}/blank", "the file {folder}/blank is empty; write the secret into it"),
        ("{folder}", "the file {folder} cannot be read: Is a directory; correct the path or its permissions"),
        ("{folder}/no", "the file {folder}/no cannot be read: No such file or directory; correct the path or its"),
        ("~nosuch/x", "the file ~nosuch/x is in a home directory that does not exist; write the whole path"),
        ("/a\0b", "the file named here has a path that cannot exist; correct it"),
        ("/" + "x" * 5000, "cannot be read: File name too long"),
        ("-----BEGIN KEY-----\nhunter2", "the file named here cannot be read: No such file or directory"),
        ("hunter2", "the file named here cannot be read: No such file or directory"),
    ],
)
def test_a_secret_file_that_is_none(tmp_path: Path, name: str, problem: str) -> None:
    """Each way to fail is one line without the content, and without a name that may be the secret itself."""
    (tmp_path / "binary").write_bytes(b"hunter2\xff\xfe")
    (tmp_path / "blank").write_text(" \n")
    with pytest.raises(ConfigError) as raised:
        Secret(file=name.replace("{folder}", str(tmp_path))).read()
    (line,) = raised.value.problems
    assert problem.replace("{folder}", str(tmp_path)) in line
    assert "\n" not in line
    assert "hunter2" not in line


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A path that is not there, or not text, gives one line."""
    with pytest.raises(ConfigError, match=r"no\.yml: cannot be read: No such file or directory"):
        load(tmp_path / "no.yml")
    (tmp_path / "bytes.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(tmp_path / "bytes.yml")


EXAMPLE = (ROOT / "exporter.example.yml").read_text()


def test_the_example_works_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the two keys of its exchange in the environment, and nothing else, it is good."""
    for name in ("BINANCE_API_KEY", "BINANCE_SECRET"):
        monkeypatch.setenv(name, "x")
    found = parse(EXAMPLE, "f.yml", lambda: KNOWN)
    assert len(found.exchanges) == 1
    assert (found.freqtrade, found.hummingbot, found.nautilus, found.push) == ([], [], [], Config().push)


def test_what_is_left_out_of_the_example_has_the_value_shown() -> None:
    """As its head says, but for what it says to be the user's own."""
    (exchange,), own = yaml.safe_load(EXAMPLE)["exchanges"], ("name", "id", "account", "strategy", "symbols")
    bare = Exchange(**{name: exchange[name] for name in own}, rate_symbols=exchange["rate_symbols"])
    shown = msgspec.structs.replace(parse_example().exchanges[0], api_key=None, secret=None)
    assert shown == bare
    rest = msgspec.structs.replace(parse_example(), exchanges=[], currency=Config().currency)
    assert rest == msgspec.structs.replace(Config(), journal=rest.journal)
    assert rest.journal == msgspec.structs.replace(Config().journal, path="trading-exporter.journal")


def parse_example() -> Config:
    return msgspec.convert(yaml.safe_load(EXAMPLE), Config, strict=True)


CHANNELS = yaml.safe_load((ROOT / "alertmanager" / "channels.yml").read_text())
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if "```yaml\n" in page.read_text()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_configures_is_good(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece as it stands there, with its secrets in the environment; where fills come in, USDT has a rate."""
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        if yaml.safe_load(text).keys() <= CHANNELS.keys():
            continue
        text = re.sub(r"\{file: [^}]*\}", "{env: IN_A_FILE}", text)  # noqa: PLW2901 - the same page
        for name in re.findall(r"\{env: (\w+)\}", text):
            monkeypatch.setenv(name, f"{name}-of-the-test")
        found = parse(text, page.name, lambda: KNOWN | {"binanceusdm": KNOWN["binance"]})
        if found.exchanges or found.push.tokens or found.freqtrade or found.hummingbot or found.nautilus:
            assert found.currency.pegs == {"USDT": 1}


# What is off in the example is a key whose line, and each line of what is below it, is one when its "# " is taken away.
_OFF = re.compile(r"^( *)# ([a-z_]+:(?: .*)?(?:\n\1#   .*)*)$", re.MULTILINE)


def all_on() -> Any:
    """The example with all that is off in it switched on, what is off in a section that is off as well."""
    text, before = EXAMPLE, ""
    while text != before:
        before = text
        text = _OFF.sub(lambda found: re.sub(r"^( *)# ", r"\1", found.group(), flags=re.MULTILINE), text)
    return yaml.safe_load(text)


def missing(kind: Any, value: Any, where: str = "") -> Iterator[str]:
    """The settings of a type that stand nowhere in their own section of the example."""
    if isinstance(kind, msgspec.inspect.UnionType):
        for each in kind.types:
            yield from missing(each, value, where)
    elif isinstance(kind, msgspec.inspect.StructType) and kind.cls is not Secret:
        for field in kind.fields:
            if field.name in value:
                yield from missing(field.type, value[field.name], f"{where}.{field.name}")
            else:
                yield f"{where}.{field.name}"
    elif isinstance(kind, msgspec.inspect.ListType):
        shown = [set(missing(kind.item_type, each, f"{where}[]")) for each in value]
        yield from sorted(set.intersection(*shown)) if shown else [f"{where}[]"]


def test_the_example_shows_every_key_in_its_own_section() -> None:
    """A newcomer finds each setting in the commented example, and what is off there works when it is on."""
    data = all_on()
    msgspec.convert(data, Config, strict=True)
    assert list(missing(msgspec.inspect.type_info(Config), data)) == []


def test_a_key_that_the_example_lacks_is_missed() -> None:
    """Also where a key of that name stands in another section, and below lists."""
    data = all_on()
    del data["journal"]["path"], data["freqtrade"][0]["account"], data["targets"]["exchange_error_ratio"]["critical"]
    del data["hummingbot"][0]["mqtt"]["port"], data["risk"]["limits"]["total_usd"], data["log"]
    data["push"]["tokens"] = []
    assert sorted(missing(msgspec.inspect.type_info(Config), data)) == [
        ".freqtrade[].account",
        ".hummingbot[].mqtt.port",
        ".journal.path",
        ".log",
        ".push.tokens[]",
        ".risk.limits.total_usd",
        ".targets.exchange_error_ratio.critical",
    ]


def patterns(kind: Any) -> Iterator[str]:
    """The patterns of text anywhere in a type."""
    if isinstance(kind, msgspec.inspect.StrType) and kind.pattern is not None:
        yield kind.pattern
    below = [field.type for field in getattr(kind, "fields", ())]
    below += getattr(kind, "types", ()) or ()
    below += [getattr(kind, name) for name in ("item_type", "key_type", "value_type") if hasattr(kind, name)]
    for each in below:
        yield from patterns(each)


def test_every_pattern_has_words() -> None:
    """No message shows a regular expression."""
    assert set(patterns(msgspec.inspect.type_info(Config))) == set(loading.FORMS)
