"""The configuration file: its keys, their defaults, and what is checked before anything runs.

A problem is reported with file, line and key, and with what to do. Keys of exchanges never stand in the
file; it says where to read them (``{env: NAME}`` or ``{file: PATH}``).
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections import Counter
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from exporter.errors import ConfigError

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Symbol = Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+/[^/\s]+$")]
LabelValue = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping in the file; an unknown key is an error."""


class Secret(Section, frozen=True):
    """Where a secret is read from: an environment variable or a file, exactly one of the two."""

    env: str | None = None
    file: str | None = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")

    def read(self) -> str:
        """The secret itself; `ConfigError` says what is missing without showing any of it."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            if not value:
                raise ConfigError([f"the environment variable {self.env} is not set; export it, or use {{file: …}}"])
            return value
        try:
            value = Path(str(self.file)).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError([f"the file {self.file} cannot be read: {error.strerror}"]) from None
        if not value:
            raise ConfigError([f"the file {self.file} is empty"])
        return value


class Web(Section, frozen=True):
    """The HTTP side. ``listen`` is ``host:port``; beyond loopback a token or `trusted_network` is needed."""

    listen: str = "127.0.0.1:9850"
    bearer_token: Secret | None = None
    trusted_network: bool = False

    @property
    def host(self) -> str:
        """The host part of ``listen``, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port part of ``listen``; 0 takes a free one."""
        return int(self.listen.rpartition(":")[2])

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class Currency(Section, frozen=True):
    """Conversion into US dollars: ``pegs`` gives the dollars in one unit of a currency."""

    pegs: dict[str, Decimal] = {}


class Exchange(Section, frozen=True):
    """One account on one exchange. Times are in seconds."""

    name: LabelValue
    id: str
    account: LabelValue = "default"
    strategy: LabelValue = "default"
    symbols: list[Symbol] = []
    rate_symbols: list[Symbol] = []
    api_key: Secret | None = None
    secret: Secret | None = None
    password: Secret | None = None
    probe_interval: Seconds = 5.0
    request_timeout: Seconds = 5.0
    poll_interval: Seconds = 5.0
    backfill_interval: Seconds = 60.0
    backfill_hours: Seconds = 24.0
    ccxt: dict[str, Any] = {}

    @property
    def has_keys(self) -> bool:
        """Whether private data can be asked for."""
        return self.api_key is not None

    def credentials(self) -> dict[str, str]:
        """The secrets under the names that ccxt gives them."""
        named = {"apiKey": self.api_key, "secret": self.secret, "password": self.password}
        return {name: secret.read() for name, secret in named.items() if secret is not None}


class ErrorRatio(Section, frozen=True):
    """Share of failed requests above which an alert of each severity fires."""

    warning: Ratio = 0.02
    critical: Ratio = 0.05


class Targets(Section, frozen=True):
    """Thresholds. Rules and dashboards read them from the ``trading_target_*`` metrics."""

    exchange_availability_ratio: Ratio = 0.95
    exchange_error_ratio: ErrorRatio = ErrorRatio()
    market_data_age_seconds: Seconds = 10.0


class Limits(Section, frozen=True):
    """``series_per_family`` bounds each metric family, ``series`` all of them together."""

    series_per_family: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    series: Annotated[int, msgspec.Meta(ge=1)] = 1_000_000


class Log(Section, frozen=True):
    """``format`` is ``json`` for machines, ``text`` for people."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class Config(Section, frozen=True):
    """The whole file."""

    exchanges: list[Exchange] = []
    web: Web = Web()
    currency: Currency = Currency()
    targets: Targets = Targets()
    limits: Limits = Limits()
    log: Log = Log()


def load(path: Path, known_exchanges: Collection[str] | None = None) -> Config:
    """Read and check the file; `ConfigError` lists every problem found, one line each.

    ``known_exchanges`` are the ids that an exchange may have; without them, any is taken.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; start from exporter.example.yml"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from None
    return parse(text, str(path), known_exchanges)


def parse(text: str, where: str = "config", known_exchanges: Collection[str] | None = None) -> Config:
    """Check the text of a configuration; ``where`` names it in messages."""
    tree = _compose(text, where)
    data = {} if tree is None else yaml.safe_load(text)
    try:
        config = msgspec.convert(data, Config, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError([_explain(str(error), tree, where)]) from None
    problems = _semantic_problems(config, known_exchanges)
    if problems:
        raise ConfigError([f"{where}:{_line(tree, path)}: {_key(path)}: {text}" for path, text in problems])
    return config


_Path = tuple[str | int, ...]
_CCXT_SECRETS = {
    "apiKey",
    "secret",
    "password",
    "uid",
    "login",
    "privateKey",
    "walletAddress",
    "token",
    "twofa",
}


def _compose(text: str, where: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError([f"{where}:{line}: is not YAML: {error.problem}"]) from None
    except yaml.YAMLError as error:
        raise ConfigError([f"{where}: is not YAML: {error}"]) from None


def _semantic_problems(config: Config, known: Collection[str] | None) -> list[tuple[_Path, str]]:
    problems = _web_problems(config.web)
    for name, rate in config.currency.pegs.items():
        if not rate.is_finite() or rate <= 0:
            problems.append((("currency", "pegs", name), f"{rate} is not a rate; give a number above 0"))
    owners = Counter((exchange.name, exchange.account) for exchange in config.exchanges)
    for index, exchange in enumerate(config.exchanges):
        path: _Path = ("exchanges", index)
        if owners[exchange.name, exchange.account] > 1:
            problems.append((path, f"{exchange.name!r} with account {exchange.account!r} stands twice; rename one"))
        problems += [((*path, *rest), text) for rest, text in _exchange_problems(exchange)]
        if known is not None and exchange.id not in known:
            close = difflib.get_close_matches(exchange.id, known, 3) or sorted(known)[:3]
            text = f"ccxt streams from no exchange {exchange.id!r}; did you mean {' or '.join(close)}?"
            problems.append(((*path, "id"), text))
    return problems


def _web_problems(web: Web) -> list[tuple[_Path, str]]:
    host, _, port = web.listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        return [(("web", "listen"), f"{web.listen!r} is not host:port; write for example 127.0.0.1:9850")]
    problems: list[tuple[_Path, str]] = []
    if not web.on_loopback and web.bearer_token is None and not web.trusted_network:
        text = f"{web.host} is beyond loopback: set web.bearer_token, or web.trusted_network: true if it is private"
        problems.append((("web", "listen"), text))
    if web.bearer_token is not None:
        problems += _secret_problems(("web", "bearer_token"), web.bearer_token)
    return problems


def _exchange_problems(exchange: Exchange) -> list[tuple[_Path, str]]:
    problems: list[tuple[_Path, str]] = []
    if not exchange.symbols and not exchange.rate_symbols:
        problems.append(((), f"{exchange.name!r} has no symbols; list at least one, such as [BTC/USDT]"))
    if (exchange.api_key is None) != (exchange.secret is None):
        problems.append(((), "api_key and secret belong together; give both or neither"))
    for name, secret in (
        ("api_key", exchange.api_key),
        ("secret", exchange.secret),
        ("password", exchange.password),
    ):
        if secret is not None:
            problems += _secret_problems((name,), secret)
    for key in sorted(_CCXT_SECRETS & exchange.ccxt.keys()):
        text = "no secret stands in this file; use api_key, secret or password with {env: …} or {file: …}"
        problems.append((("ccxt", key), text))
    return problems


def _secret_problems(path: _Path, secret: Secret) -> list[tuple[_Path, str]]:
    try:
        secret.read()
    except ConfigError as error:
        return [(path, problem) for problem in error.problems]
    return []


def _explain(message: str, tree: yaml.Node | None, where: str) -> str:
    """Turn msgspec's message, which ends in `` - at `$.a[0].b` ``, into one with line, key and advice."""
    text, _, place = message.partition(" - at `")
    path = _parse_path(place.rstrip("`"))
    unknown = re.search(r"unknown field `(.+?)`", text)
    if unknown:
        name = unknown.group(1)
        known = _known_keys(path)
        close = difflib.get_close_matches(name, known, 1)
        advice = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        path = (*path, name)
        text = f"unknown key; {advice}"
    elif path and path[-1] in {"api_key", "secret", "password", "bearer_token"} and text.startswith("Expected"):
        text = "a secret never stands in this file; write {env: NAME} or {file: PATH}"
    missing = re.search(r"missing required field `(.+?)`", text)
    if missing:
        text = f"the key {missing.group(1)!r} is missing"
    text = re.sub(r"matching regex .*", "in the form BASE/QUOTE, such as BTC/USDT", text).replace("`", "")
    return f"{where}:{_line(tree, path)}: {_key(path)}: {text[0].lower()}{text[1:]}"


def _parse_path(text: str) -> _Path:
    """``$.exchanges[0].name`` as ("exchanges", 0, "name"); msgspec writes ``[...]`` for an unknown index."""
    return tuple(int(index) if index else key for key, index in re.findall(r"\.?([^.\[\]$]+)|\[(\d+)\]", text))


def _known_keys(path: _Path) -> list[str]:
    """The keys that a mapping at ``path`` may have, found by walking the types."""
    kind: Any = msgspec.inspect.type_info(Config)
    for step in path:
        kind = _child(kind, step)
    return [field.name for field in getattr(_plain(kind), "fields", ())]


def _child(kind: Any, step: str | int) -> Any:
    kind = _plain(kind)
    if isinstance(step, int):
        return getattr(kind, "item_type", None)
    return next((field.type for field in getattr(kind, "fields", ()) if field.name == step), None)


def _plain(kind: Any) -> Any:
    """The one struct in an optional type."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((each for each in kind.types if not isinstance(each, msgspec.inspect.NoneType)), None)
    return kind


def _key(path: _Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".") or "the file"


def _line(tree: yaml.Node | None, path: _Path) -> int:
    """The line of the deepest part of ``path`` that the file has."""
    node, line = tree, 1
    for step in path:
        found = _step(node, step)
        if found is None:
            break
        line, node = found
    return line


def _step(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        value = node.value[step]
        return value.start_mark.line + 1, value
    return None
