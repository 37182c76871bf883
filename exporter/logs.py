"""Logs: one JSON object a line for machines, or plain lines for people; never a secret of the configuration."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote

import msgspec

from exporter.config import Config, Secret
from exporter.errors import ConfigError

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SHORTEST_SECRET = 8  # characters; what is shorter is a word that stands in other places as well

_BREAKS = {ord(each): f"\\u{ord(each):04x}" for each in "\x85\u2028\u2029"}  # which JSON leaves, and are breaks to some

log = logging.getLogger(__name__)


def set_up(config: Config) -> None:
    """Send the program's logs, and what Python itself would print of faults, to standard error as configured."""
    hide = Hiding(secrets(config))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(hide) if config.log.format == "json" else TextFormatter(hide))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("exporter").setLevel(config.log.level.upper())
    for name, level in config.log.levels.items():
        logging.getLogger(f"exporter.{name}").setLevel(level.upper())
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)
    sys.unraisablehook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _uncaught(kind: type[BaseException], fault: BaseException | None, trace: TracebackType | None) -> None:
    log.error("a fault that nobody took", exc_info=(kind, fault or kind(), trace))


class Hiding:
    """Puts ``***`` in place of secrets, also where they are part of an address, or of a list as Python writes it."""

    def __init__(self, found: Iterator[str]) -> None:
        known = {form for each in found if len(each) >= _SHORTEST_SECRET for form in _forms(each)}
        self._secrets = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "***")
        return text


def _forms(secret: str) -> Iterator[str]:
    address = quote(secret.encode(errors="surrogateescape"), safe="")
    yield from (secret, address, repr(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])


def secrets(section: object) -> Iterator[str]:
    """All secrets of a configuration that can be read, names of users apart."""
    if isinstance(section, Secret):
        try:
            yield section.read()
        except ConfigError:
            return
    elif isinstance(section, msgspec.Struct):
        for name in section.__struct_fields__:
            if name != "username":
                yield from secrets(getattr(section, name))
    elif isinstance(section, list | tuple):
        for each in section:
            yield from secrets(each)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class JsonFormatter(logging.Formatter):
    """``{"ts", "level", "logger", "message", …}`` with the record's extra fields."""

    def __init__(self, hide: Hiding) -> None:
        super().__init__()
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._plain(record.getMessage()),
        }
        fields |= {key: self._plain(value) for key, value in _extra(record).items() if key not in fields}
        if record.exc_info:
            fields["traceback"] = self._plain(self.formatException(record.exc_info))
        return msgspec.json.encode(fields).decode().translate(_BREAKS)

    def _plain(self, value: object) -> object:
        """A value as JSON can hold it; text without secrets, and without halves of characters."""
        if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63):
            return value
        if isinstance(value, dict):
            return {str(key): self._plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(each) for each in value]
        return self._hide(str(value)).encode(errors="backslashreplace").decode()


class TextFormatter(logging.Formatter):
    """``time level message key=value …``."""

    def __init__(self, hide: Hiding) -> None:
        super().__init__()
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, and a traceback below it where there is one."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        line = f"{moment} {record.levelname.lower():7} {_one_line(record.getMessage() + extra)}"
        return self._hide(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)


def _one_line(text: str) -> str:
    """Without breaks, which would let a message look like several."""
    return "\\n".join(text.splitlines())
