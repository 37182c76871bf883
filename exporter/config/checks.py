"""What types alone cannot tell: values that contradict each other, or that would do harm."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from exporter.config.document import Path
from exporter.config.schema import Config, Currency, ErrorRatio, Exchange, Secret, Web
from exporter.errors import ConfigError

Problem = tuple[Path, str]

# Names of secrets in lower case without - and _: ccxt's own settings, and headers such as X-MBX-APIKEY.
_CCXT_SECRETS = re.compile(
    r"uid|login|walletaddress|twofa"
    r"|.*(apikey|accesskey|secretkey|privatekey|secret|password|passphrase|token|authorization|cookie)"
)


def problems(config: Config, known: Collection[str] | None) -> Iterator[Problem]:
    """Everything that is wrong, with its place; ``known`` are the ids that an exchange may have."""
    yield from _web_problems(config.web)
    yield from _peg_problems(config.currency)
    yield from _ratio_problems(config.targets.exchange_error_ratio)
    yield from _identity_problems(config.exchanges)
    for index, exchange in enumerate(config.exchanges):
        for path, text in _exchange_problems(exchange, known):
            yield ("exchanges", index, *path), text


def _web_problems(web: Web) -> Iterator[Problem]:
    host, _, port = web.listen.rpartition(":")
    if not re.fullmatch(r"\S+", host) or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        yield ("web", "listen"), f"{web.listen!r} is not host:port; write for example 127.0.0.1:9850"
    elif not web.on_loopback and web.bearer_token is None and not web.trusted_network:
        text = f"{web.host} is beyond loopback: set web.bearer_token, or web.trusted_network: true if it is private"
        yield ("web", "listen"), text
    if web.bearer_token is not None:
        yield from _secret_problems(("web", "bearer_token"), web.bearer_token)


def _peg_problems(currency: Currency) -> Iterator[Problem]:
    for name, rate in currency.pegs.items():
        path = ("currency", "pegs", name)
        if name.strip().upper() == "USD":
            yield path, "everything is reported in USD, so that it has no peg; remove it"
        elif not rate.is_finite() or not 0 < float(rate) < float("inf"):
            yield path, f"{rate} is not a rate; give a number above 0"


def _ratio_problems(ratio: ErrorRatio) -> Iterator[Problem]:
    if ratio.warning > ratio.critical:
        text = f"warning, {ratio.warning:g}, exceeds critical, {ratio.critical:g}; lower the one or raise the other"
        yield ("targets", "exchange_error_ratio"), text


def _identity_problems(exchanges: list[Exchange]) -> Iterator[Problem]:
    owners = Counter((exchange.name, exchange.account) for exchange in exchanges)
    ids: dict[str, str] = {}
    for index, exchange in enumerate(exchanges):
        name, account = exchange.name, exchange.account
        if owners[name, account] > 1:
            yield ("exchanges", index), f"{name!r} with account {account!r} stands twice; rename one"
        first = ids.setdefault(name, exchange.id)
        if first != exchange.id:
            text = f"{name!r} is {first!r} further up and {exchange.id!r} here; give each exchange a name of its own"
            yield ("exchanges", index, "id"), text


def _exchange_problems(exchange: Exchange, known: Collection[str] | None) -> Iterator[Problem]:
    if known is not None and exchange.id not in known:
        close = difflib.get_close_matches(exchange.id, known, 3) or sorted(known)[:3]
        yield ("id",), f"ccxt has no exchange {exchange.id!r}; did you mean {' or '.join(close)}?"
    yield from _symbol_problems(exchange)
    if (exchange.api_key is None) != (exchange.secret is None):
        yield (), "api_key and secret belong together; give both or neither"
    for name, secret in exchange.secrets.items():
        yield from _secret_problems((name,), secret)
    if exchange.ccxt.get("verbose"):
        yield ("ccxt", "verbose"), "it would print every request with its keys; remove it"
    yield from _ccxt_problems(("ccxt",), exchange.ccxt)


def _symbol_problems(exchange: Exchange) -> Iterator[Problem]:
    if not exchange.symbols and not exchange.rate_symbols:
        yield (), f"{exchange.name!r} has no symbols; list at least one, such as [BTC/USDT]"
    places: dict[str, str] = {}
    for key, symbols in (("symbols", exchange.symbols), ("rate_symbols", exchange.rate_symbols)):
        for index, symbol in enumerate(symbols):
            if ":" in symbol:
                yield (key, index), "contracts cannot be accounted for yet; spot symbols look like BTC/USDT"
            if symbol in places:
                yield (key, index), f"{symbol} stands in {places[symbol]} already; remove it here"
            places.setdefault(symbol, key)


def _secret_problems(path: Path, secret: Secret) -> Iterator[Problem]:
    try:
        secret.read()
    except ConfigError as error:
        for problem in error.problems:
            yield path, problem


def _ccxt_problems(path: Path, value: Any) -> Iterator[Problem]:
    """Secrets anywhere in what is handed to ccxt."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if isinstance(key, str) and _CCXT_SECRETS.fullmatch(re.sub("[-_]", "", key.lower())):
            text = "no secret stands in this file; use api_key, secret or password with {env: …} or {file: …}"
            yield (*path, key), text
        else:
            yield from _ccxt_problems((*path, key), child)
