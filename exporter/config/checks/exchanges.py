"""Accounts on exchanges."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from exporter.config.checks.secrets import secret_problems
from exporter.config.document import Path, Problem
from exporter.config.schema import Config, Exchange
from exporter.config.switches import switched_on

Known = Mapping[str, Collection[str]]
"""The ids that an exchange may have, each with the keys that it asks for, in ccxt's words."""

# Names of secrets in lower case without - and _: ccxt's own settings, and headers such as X-MBX-APIKEY.
_CCXT_SECRETS = re.compile(
    r"uid|login|walletaddress|twofa"
    r"|.*(apikey|accesskey|secretkey|privatekey|secret|password|passphrase|token|authorization|cookie)"
)


def problems(config: Config, known: Known | None) -> Iterator[Problem]:
    """What is wrong with each of them, and between them; with ``known``, they are held against that."""
    yield from _identity_problems(config.exchanges)
    for index, exchange in switched_on(config.exchanges):
        for path, text in _exchange_problems(exchange, known):
            yield ("exchanges", index, *path), text


def _identity_problems(exchanges: list[Exchange]) -> Iterator[Problem]:
    owners = Counter((exchange.name, exchange.account) for _, exchange in switched_on(exchanges))
    ids: dict[str, str] = {}
    for index, exchange in switched_on(exchanges):
        name, account = exchange.name, exchange.account
        if owners[name, account] > 1:
            yield ("exchanges", index), f"{name!r} with account {account!r} stands twice; rename one"
        first = ids.setdefault(name, exchange.id)
        if first != exchange.id:
            text = f"{name!r} is {first!r} further up and {exchange.id!r} here; give each exchange a name of its own"
            yield ("exchanges", index, "id"), text


def _exchange_problems(exchange: Exchange, known: Known | None) -> Iterator[Problem]:
    if known is not None and exchange.id in known:
        yield from _key_problems(exchange, known[exchange.id])
    elif known is not None:
        close = difflib.get_close_matches(exchange.id, known, 3) or sorted(known)[:3]
        yield ("id",), f"ccxt has no exchange {exchange.id!r}; did you mean {' or '.join(close)}?"
    yield from _symbol_problems(exchange)
    if (exchange.api_key is None) != (exchange.secret is None):
        yield (), "api_key and secret belong together; give both or neither"
    for name, secret in exchange.secrets.items():
        yield from secret_problems((name,), secret)
    if exchange.ccxt.get("verbose"):
        yield ("ccxt", "verbose"), "it would print every request with its keys; remove it"
    yield from _ccxt_problems(("ccxt",), exchange.ccxt)


def _key_problems(exchange: Exchange, needed: Collection[str]) -> Iterator[Problem]:
    """What an exchange asks for beside key and secret, if it has these."""
    given = {"apiKey", "secret", *exchange.ccxt} | ({"password"} if exchange.password is not None else set())
    lacking = sorted(set(needed) - given)
    if not exchange.has_keys or not lacking:
        return
    if lacking == ["password"]:
        yield (), f"{exchange.id} asks for a passphrase beside api_key and secret; give it as password: {{env: …}}"
    else:
        text = "and no setting is for that; leave api_key and secret out, to have market data alone"
        yield (), f"{exchange.id} asks for {' and '.join(lacking)}, {text}"


def _symbol_problems(exchange: Exchange) -> Iterator[Problem]:
    if not exchange.symbols and not exchange.rate_symbols:
        yield (), f"{exchange.name!r} has no symbols; list at least one, such as [BTC/USDT]"
    places: dict[str, str] = {}
    for key, symbols in (("symbols", exchange.symbols), ("rate_symbols", exchange.rate_symbols)):
        for index, symbol in enumerate(symbols):
            problem = _contract_problem(symbol)
            if problem:
                yield (key, index), problem
            if symbol in places:
                yield (key, index), f"{symbol} stands in {places[symbol]} already; remove it here"
            places.setdefault(symbol, key)


def _contract_problem(symbol: str) -> str | None:
    """What keeps a contract's symbol from being accounted for; None for the others and for spot."""
    pair, is_contract, rest = symbol.partition(":")
    settle, *terms = rest.split("-")
    if not is_contract:
        return None
    if not settle:
        return f"{symbol!r} names no settlement currency; write contracts like BTC/USDT:USDT or BTC/USD:BTC"
    if len(terms) > 1:
        return f"{symbol} is an option; only spot, perpetuals and dated futures can be accounted for"
    if settle not in pair.split("/"):
        return f"{symbol} settles in {settle}, neither {' nor '.join(pair.split('/'))}; it cannot be accounted for"
    return None


def _ccxt_problems(path: Path, value: Any) -> Iterator[Problem]:
    """Secrets anywhere in what is handed to ccxt."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if isinstance(key, str) and _CCXT_SECRETS.fullmatch(re.sub("[-_]", "", key.lower())):
            text = "no secret stands in this file; use api_key, secret or password with {env: …} or {file: …}"
            yield (*path, key), text
        else:
            yield from _ccxt_problems((*path, key), child)
