"""The configuration file: its keys, their defaults, and what is checked before anything runs.

A problem is reported with file, line and key, and with what to do. Keys of exchanges never stand in the
file; it says where to read them (``{env: NAME}`` or ``{file: PATH}``).
"""

from exporter.config.base import Secret, Section
from exporter.config.freqtrade import Freqtrade
from exporter.config.hummingbot import Hummingbot, Mqtt
from exporter.config.journal import Journal
from exporter.config.loading import load, parse
from exporter.config.nautilus import Nautilus
from exporter.config.push import Push, PushToken
from exporter.config.quality import Quality
from exporter.config.risk import RiskSettings
from exporter.config.schema import (
    Accounting,
    Config,
    Currency,
    ErrorRatio,
    Exchange,
    Limits,
    Log,
    Targets,
    Web,
)

__all__ = [
    "Accounting",
    "Config",
    "Currency",
    "ErrorRatio",
    "Exchange",
    "Freqtrade",
    "Hummingbot",
    "Journal",
    "Limits",
    "Log",
    "Mqtt",
    "Nautilus",
    "Push",
    "PushToken",
    "Quality",
    "RiskSettings",
    "Secret",
    "Section",
    "Targets",
    "Web",
    "load",
    "parse",
]
