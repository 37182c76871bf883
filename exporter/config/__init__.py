"""The configuration file: its keys, their defaults, and what is checked before anything runs.

A problem is reported with file, line and key, and with what to do. Keys of exchanges never stand in the
file; it says where to read them (``{env: NAME}`` or ``{file: PATH}``).
"""

from exporter.config.alerting import Incidents, Sms
from exporter.config.base import Secret, Section
from exporter.config.caches import CacheServer
from exporter.config.freqtrade import Freqtrade
from exporter.config.host import Host
from exporter.config.hummingbot import Hummingbot, Mqtt
from exporter.config.journal import Journal
from exporter.config.links import Links
from exporter.config.loading import load, parse
from exporter.config.nautilus import Nautilus
from exporter.config.pages import Pages
from exporter.config.push import Push, PushToken
from exporter.config.quality import Quality
from exporter.config.risk import RiskSettings
from exporter.config.schema import (
    Accounting,
    Config,
    Currency,
    Exchange,
    Limits,
    Log,
    Switch,
    Web,
)
from exporter.config.signals import Models
from exporter.config.stream import Stream
from exporter.config.supervision import Supervision
from exporter.config.targets import Anomaly, Benchmark, Capacity, ErrorRatio, Health, Targets, Worth
from exporter.config.upstream import Server, Upstream

__all__ = [
    "Accounting",
    "Anomaly",
    "Benchmark",
    "CacheServer",
    "Capacity",
    "Config",
    "Currency",
    "ErrorRatio",
    "Exchange",
    "Freqtrade",
    "Health",
    "Host",
    "Hummingbot",
    "Incidents",
    "Journal",
    "Limits",
    "Links",
    "Log",
    "Models",
    "Mqtt",
    "Nautilus",
    "Pages",
    "Push",
    "PushToken",
    "Quality",
    "RiskSettings",
    "Secret",
    "Section",
    "Server",
    "Sms",
    "Stream",
    "Supervision",
    "Switch",
    "Targets",
    "Upstream",
    "Web",
    "Worth",
    "load",
    "parse",
]
