"""What may stand in the file: each section a struct, each key a field with its default."""

from __future__ import annotations

import ipaddress
import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from exporter.errors import ConfigError

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]  # at most a day
Hours = Annotated[float, msgspec.Meta(gt=0, le=8_760)]  # at most a year
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
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
        """The secret itself without blanks around it; lines inside stay, as a PEM key needs them.

        `ConfigError` says what is missing without showing any of it.
        """
        return _from_file(self.file) if self.file is not None else _from_environment(str(self.env))


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if value:
        return value
    # Whoever writes the secret itself where its variable's name belongs must not find it in a log.
    shown = name if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) else "named here"
    raise ConfigError([f"the environment variable {shown} is not set; export it, or use {{file: …}}"])


def _from_file(name: str) -> str:
    shown = name if re.match(r"[/~.]", name) and name.isprintable() else "named here"  # as above
    try:
        value = Path(name).expanduser().read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        reason = f"cannot be read: {error.strerror}; correct the path or its permissions"
    except UnicodeDecodeError:
        reason = "is not text; save the secret alone, as UTF-8"
    except RuntimeError:  # there is no such user
        reason = "is in a home directory that does not exist; write the whole path"
    except ValueError:  # a character that no path may have
        reason = "has a path that cannot exist; correct it"
    else:
        reason = "is empty; write the secret into it"
        if value:
            return value
    raise ConfigError([f"the file {shown} {reason}"])


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
    """One account on one exchange. Times are in seconds, ``backfill_hours`` apart."""

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
    backfill_hours: Hours = 24.0
    ccxt: dict[str, Any] = {}

    @property
    def has_keys(self) -> bool:
        """Whether private data can be asked for."""
        return self.api_key is not None

    @property
    def secrets(self) -> dict[str, Secret]:
        """Those secrets that are configured, by their key in the file."""
        named = {"api_key": self.api_key, "secret": self.secret, "password": self.password}
        return {name: secret for name, secret in named.items() if secret is not None}

    def credentials(self) -> dict[str, str]:
        """The secrets under the names that ccxt gives them."""
        return {"apiKey" if name == "api_key" else name: secret.read() for name, secret in self.secrets.items()}


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

    series_per_family: Count = 100_000
    series: Count = 1_000_000


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
