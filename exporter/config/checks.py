"""What types alone cannot tell: values that contradict each other, or that would do harm."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from msgspec.structs import asdict

from exporter.config import parts
from exporter.config.alerting import Sms
from exporter.config.base import Secret, Section
from exporter.config.caches import CacheServer
from exporter.config.document import Path
from exporter.config.freqtrade import Freqtrade
from exporter.config.hummingbot import Hummingbot, Mqtt
from exporter.config.links import link_problems
from exporter.config.nautilus import Nautilus
from exporter.config.push import Push
from exporter.config.quality import Quality
from exporter.config.schema import Config, Currency, Exchange, Web
from exporter.config.switches import switched_on
from exporter.config.upstream import Server
from exporter.errors import ConfigError

Problem = tuple[Path, str]

_SHORTEST_TOKEN = 16
_BOTS = ("freqtrade", "hummingbot", "nautilus")  # the lists of bots, whatever program they are

# Names of secrets in lower case without - and _: ccxt's own settings, and headers such as X-MBX-APIKEY.
_CCXT_SECRETS = re.compile(
    r"uid|login|walletaddress|twofa"
    r"|.*(apikey|accesskey|secretkey|privatekey|secret|password|passphrase|token|authorization|cookie)"
)


Known = Mapping[str, Collection[str]]
"""The ids that an exchange may have, each with the keys that it asks for, in ccxt's words."""


def problems(config: Config, known: Known | None) -> Iterator[Problem]:
    """Everything that is wrong with what is on, with its place; with ``known``, exchanges are held against that."""
    yield from _web_problems(config.web)
    yield from link_problems(config.links)
    yield from _push_problems(config.push, has_journal=config.journal.path is not None)
    if config.incidents.token is not None:
        yield from _push_token_problems(("incidents", "token"), config.incidents.token, set())
    yield from _sms_problems(config.sms)
    for name in ("prometheus", "alertmanager"):
        server: Server | None = getattr(config.upstream, name)
        if server is not None:
            yield from _server_problems(("upstream", name), server)
    if config.pages.public and config.upstream.prometheus is None:
        yield ("pages", "public"), "public figures are what Prometheus recorded: set upstream.prometheus"
    yield from _peg_problems(config.currency)
    yield from _target_problems(config)
    yield from _horizon_problems(config.quality)
    yield from _identity_problems(config.exchanges)
    for index, exchange in switched_on(config.exchanges):
        for path, text in _exchange_problems(exchange, known):
            yield ("exchanges", index, *path), text
    yield from _bot_name_problems(config)
    for index, bot in switched_on(config.freqtrade):
        for path, text in _freqtrade_problems(bot):
            yield ("freqtrade", index, *path), text
    for index, each in switched_on(config.hummingbot):
        for path, text in _hummingbot_problems(each):
            yield ("hummingbot", index, *path), text
    yield from _cache_problems(config.caches)
    for index, node in switched_on(config.nautilus):
        for path, text in _nautilus_problems(node):
            yield ("nautilus", index, *path), text
    yield from parts.problems(config)


def _web_problems(web: Web) -> Iterator[Problem]:
    host, _, port = web.listen.rpartition(":")
    if not re.fullmatch(r"\S+", host) or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        yield ("web", "listen"), f"{web.listen!r} is not host:port; write for example 127.0.0.1:9850"
    elif not web.on_loopback and web.bearer_token is None and not web.trusted_network:
        text = f"{web.host} is beyond loopback: set web.bearer_token, or web.trusted_network: true if it is private"
        yield ("web", "listen"), text
    if web.bearer_token is not None:
        yield from _secret_problems(("web", "bearer_token"), web.bearer_token)


def _push_problems(push: Push, *, has_journal: bool) -> Iterator[Problem]:
    if push.tokens and not has_journal:
        yield ("push",), "what is acknowledged to a bot must be on disk: set journal.path"
    names: set[str] = set()
    secrets: set[str] = set()
    for index, each in enumerate(push.tokens):
        path: Path = ("push", "tokens", index)
        if each.name in names:
            yield (*path, "name"), f"{each.name!r} stands twice; give each token a name of its own"
        names.add(each.name)
        if not each.accounts:
            text = "no account is named; name some, or leave the key out if this token may report for all of them"
            yield (*path, "accounts"), text
        for place, pattern in enumerate(each.accounts):
            if not all(pattern.partition("/")):
                text = f"{pattern!r} is not exchange/account; write for example binance/main, or binance/* for all"
                yield (*path, "accounts", place), text
        yield from _push_token_problems((*path, "token"), each.token, secrets)


def _push_token_problems(path: Path, secret: Secret, others: set[str]) -> Iterator[Problem]:
    """What keeps a token from being sent in a header, or from telling one bot from another."""
    try:
        token = secret.read()
    except ConfigError as error:
        yield from ((path, problem) for problem in error.problems)
        return
    if not re.fullmatch(r"[!-~]+", token):
        yield path, "a token is one word of printable ASCII, as in: openssl rand -hex 32"
    elif len(token) < _SHORTEST_TOKEN:
        yield path, f"a token of less than {_SHORTEST_TOKEN} characters can be guessed; make one: openssl rand -hex 32"
    if token in others:
        yield path, "another name has the same token; give each a token of its own"
    others.add(token)


def _sms_problems(sms: Sms) -> Iterator[Problem]:
    if bool(sms.urls) != (sms.token is not None):
        text = "urls and token belong together: where texts go, and what Alertmanager sends; give both or neither"
        yield ("sms",), text
    if sms.token is not None:
        yield from _push_token_problems(("sms", "token"), sms.token, set())
    for index, url in enumerate(sms.urls):
        yield from _secret_problems(("sms", "urls", index), url)


def _server_problems(path: Path, server: Server) -> Iterator[Problem]:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", server.url):
        yield (*path, "url"), "this is not the address of a server; write for example http://127.0.0.1:9090"
    if (server.username is None) != (server.password is None):
        yield path, "username and password belong together; give both or neither"
    elif server.username is not None and server.bearer_token is not None:
        yield path, "a request has a login or a bearer_token; remove one of them"
    for name, secret in server.secrets.items():
        yield from _secret_problems((*path, name), secret)


def _cache_problems(caches: list[CacheServer]) -> Iterator[Problem]:
    labels: set[tuple[str, str]] = set()
    for index, each in switched_on(caches):
        path: Path = ("caches", index)
        if each.label in labels:
            yield (*path, "name"), f"{each.name!r} stands twice in tier {each.label[1]!r}; give each a name of its own"
        labels.add(each.label)
        for key, secret in each.secrets.items():
            if each.kind == "memcached":
                yield (*path, key), "memcached is asked without a user; remove it"
            else:
                yield from _secret_problems((*path, key), secret)
        if each.kind == "memcached" and each.tls:
            yield (*path, "tls"), "memcached is asked without TLS; remove it"


def _peg_problems(currency: Currency) -> Iterator[Problem]:
    for name, rate in currency.pegs.items():
        path = ("currency", "pegs", name)
        if name.strip().upper() == "USD":
            yield path, "everything is reported in USD, so that it has no peg; remove it"
        elif not rate.is_finite() or not 0 < float(rate) < float("inf"):
            yield path, f"{rate} is not a rate; give a number above 0"


def _target_problems(config: Config) -> Iterator[Problem]:
    """Thresholds of one thing that do not rise, or fall, from the mildest to the worst."""
    targets, health = config.targets, config.health
    rising: dict[Path, Section] = {
        ("targets", "error_ratio"): targets.error_ratio,
        ("targets", "exchange_error_ratio"): targets.exchange_error_ratio,
        ("targets", "exchange_latency_seconds"): targets.exchange_latency_seconds,
        ("health", "response_seconds"): health.response_seconds,
        ("health", "error_ratio"): health.error_ratio,
        ("health", "cpu_ratio"): health.cpu_ratio,
        ("health", "memory_ratio"): health.memory_ratio,
    }
    falling: dict[Path, Section] = {
        ("targets", "exchange_availability_ratio"): targets.exchange_availability_ratio,
        ("targets", "cache_hit_ratio"): targets.cache_hit_ratio,
    }
    for path, section in (rising | falling).items():
        values = list(asdict(section).items())
        for (milder, low), (worse, high) in pairwise(values):
            if low > high and path in rising:
                text = f"{milder}, {low:g}, exceeds {worse}, {high:g}; lower the one or raise the other"
                yield path, text
            if low < high and path in falling:
                yield path, f"{milder}, {low:g}, is below {worse}, {high:g}; raise the one or lower the other"
    if not health.excellent >= health.good >= health.degraded:
        yield ("health",), "excellent, good and degraded are lowest scores in falling order; correct them"
    names = [each.name for each in config.benchmarks]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("benchmarks", index, "name"), f"{name!r} stands twice; give each a name of its own"


def _horizon_problems(quality: Quality) -> Iterator[Problem]:
    for index, seconds in enumerate(quality.markout_horizons_seconds):
        if seconds in quality.markout_horizons_seconds[:index]:
            yield ("quality", "markout_horizons_seconds", index), f"{seconds:g} stands twice; remove one"


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
        yield from _secret_problems((name,), secret)
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


def _secret_problems(path: Path, secret: Secret) -> Iterator[Problem]:
    try:
        secret.read()
    except ConfigError as error:
        for problem in error.problems:
            yield path, problem


def _bot_name_problems(config: Config) -> Iterator[Problem]:
    """Bots of all kinds share one label, so that no two may have the same name."""
    places: dict[str, str] = {}
    for key in _BOTS:
        for index, bot in switched_on(getattr(config, key)):
            if bot.name in places:
                yield (key, index, "name"), f"{bot.name!r} is the name of {places[bot.name]} already; rename one"
            places.setdefault(bot.name, f"{key}[{index}]")


def _freqtrade_problems(bot: Freqtrade) -> Iterator[Problem]:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", bot.url):
        yield ("url",), "this is not the address of a bot; write for example http://127.0.0.1:8080"
    for name, secret in bot.secrets.items():
        yield from _secret_problems((name,), secret)


def _hummingbot_problems(bot: Hummingbot) -> Iterator[Problem]:
    if bot.database is None and bot.mqtt is None:
        yield (), f"nothing is known of {bot.name!r}; give the path of its database, or mqtt, or both"
    if bot.mqtt is not None:
        yield from _mqtt_problems(bot.mqtt, has_record=bot.database is not None)


def _nautilus_problems(node: Nautilus) -> Iterator[Problem]:
    for name, size in node.contract_sizes.items():
        if name not in node.symbols:
            yield ("contract_sizes", name), f"{name!r} has no symbol; write it into symbols as well"
        if not size.is_finite() or size <= 0:
            yield ("contract_sizes", name), f"{size} is not a size; give a number above 0"
    for name in node.symbols:
        if "." not in name:
            yield ("symbols", name), "an instrument of nautilus has its venue behind a dot, as in BTCUSDT-PERP.BINANCE"
    if node.ca_file is not None and not node.tls:
        yield ("ca_file",), "certificates are for tls; set tls: true as well"
    if node.password is None and node.username is not None:
        yield ("username",), "a username needs a password beside it"
    for name, secret in node.secrets.items():
        yield from _secret_problems((name,), secret)


def _mqtt_problems(mqtt: Mqtt, *, has_record: bool) -> Iterator[Problem]:
    if mqtt.market is None and not has_record:
        text = "without a database, say which connector the bot trades through, as market: its messages do not"
        yield ("mqtt",), text
    for key in ("namespace", "bot_id"):
        if set(getattr(mqtt, key)) & set("+#"):
            yield ("mqtt", key), "this is part of a topic, in which + and # are not allowed; write it as the bot has it"
    if mqtt.password is not None and mqtt.username is None:
        yield ("mqtt", "password"), "a password needs a username beside it"
    for name, secret in mqtt.secrets.items():
        yield from _secret_problems(("mqtt", name), secret)


def _ccxt_problems(path: Path, value: Any) -> Iterator[Problem]:
    """Secrets anywhere in what is handed to ccxt."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if isinstance(key, str) and _CCXT_SECRETS.fullmatch(re.sub("[-_]", "", key.lower())):
            text = "no secret stands in this file; use api_key, secret or password with {env: …} or {file: …}"
            yield (*path, key), text
        else:
            yield from _ccxt_problems((*path, key), child)
