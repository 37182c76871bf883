"""The configuration file: its keys, their defaults, and what is checked before anything runs.

A problem is reported with file, line and key, and with what to do. Keys of exchanges never stand in the
file; it says where to read them (``{env: NAME}`` or ``{file: PATH}``).
"""

from exporter.config.loading import load, parse
from exporter.config.schema import (
    Config,
    Currency,
    ErrorRatio,
    Exchange,
    Limits,
    Log,
    Secret,
    Section,
    Targets,
    Web,
)

__all__ = [
    "Config",
    "Currency",
    "ErrorRatio",
    "Exchange",
    "Limits",
    "Log",
    "Secret",
    "Section",
    "Targets",
    "Web",
    "load",
    "parse",
]
