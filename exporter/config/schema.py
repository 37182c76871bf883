"""What may stand in the file: each section a struct, each key a field with its default."""

from __future__ import annotations

import ipaddress
from decimal import Decimal
from typing import Any, Literal

from exporter.config.alerting import Incidents, Sms
from exporter.config.base import Count, Hours, LabelValue, Seconds, Secret, Section, Symbol
from exporter.config.caches import CacheServer
from exporter.config.freqtrade import Freqtrade
from exporter.config.host import Host
from exporter.config.hummingbot import Hummingbot
from exporter.config.journal import Journal
from exporter.config.links import Links
from exporter.config.nautilus import Nautilus
from exporter.config.pages import Pages
from exporter.config.push import Push
from exporter.config.quality import Quality
from exporter.config.risk import RiskSettings
from exporter.config.signals import Models
from exporter.config.stream import Stream
from exporter.config.supervision import Supervision
from exporter.config.targets import BENCHMARKS, Benchmark, Capacity, Health, Targets, Worth
from exporter.config.upstream import Upstream

Level = Literal["debug", "info", "warning", "error"]


class Web(Section, frozen=True):
    """The HTTP side. ``listen`` is ``host:port``; beyond loopback a token or `trusted_network` is needed.

    ``hosts`` are names by which the exporter is asked where there is no token, besides addresses and private names.
    """

    listen: str = "127.0.0.1:9850"
    bearer_token: Secret | None = None
    trusted_network: bool = False
    hosts: list[str] = []

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


class Accounting(Section, frozen=True):
    """How PnL is realised: at the average cost of the position, or first in, first out."""

    cost_basis: Literal["average", "fifo"] = "average"


class Currency(Section, frozen=True):
    """Conversion into US dollars: ``pegs`` gives the dollars in one unit of a currency."""

    pegs: dict[str, Decimal] = {}


class Exchange(Section, frozen=True):
    """One account on one exchange. Times are in seconds, ``backfill_hours`` apart."""

    name: LabelValue
    id: str
    enabled: bool = True
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
    reconcile_interval: Seconds = 60.0
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


class Limits(Section, frozen=True):
    """``series_per_family`` bounds each metric family, ``series`` all of them together."""

    series_per_family: Count = 100_000
    series: Count = 1_000_000


class Log(Section, frozen=True):
    """``format`` is ``json`` for machines, ``text`` for people; ``levels`` are those of single modules or folders."""

    level: Level = "info"
    format: Literal["json", "text"] = "json"
    levels: dict[str, Level] = {}


class Switch(Section, frozen=True):
    """Whether something is on that has no other settings."""

    enabled: bool = True


class Config(Section, frozen=True):
    """The whole file."""

    exchanges: list[Exchange] = []
    freqtrade: list[Freqtrade] = []
    hummingbot: list[Hummingbot] = []
    nautilus: list[Nautilus] = []
    caches: list[CacheServer] = []
    web: Web = Web()
    links: Links = Links()
    push: Push = Push()
    journal: Journal = Journal()
    accounting: Accounting = Accounting()
    currency: Currency = Currency()
    targets: Targets = Targets()
    health: Health = Health()
    capacity: Capacity = Capacity()
    worth: Worth = Worth()
    benchmarks: tuple[Benchmark, ...] = BENCHMARKS
    risk: RiskSettings = RiskSettings()
    quality: Quality = Quality()
    models: Models = Models()
    host: Host = Host()
    incidents: Incidents = Incidents()
    sms: Sms = Sms()
    stream: Stream = Stream()
    upstream: Upstream = Upstream()
    pages: Pages = Pages()
    collectors: dict[str, Switch] = {}
    debug: Switch = Switch()
    supervision: Supervision = Supervision()
    limits: Limits = Limits()
    log: Log = Log()
