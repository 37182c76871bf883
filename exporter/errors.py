"""The errors of the exporter.

::

    ExporterError
    ├── ConfigError     the configuration cannot be used; names file, line and key
    ├── EventError      one event cannot be accepted; names field and reason
    ├── JournalError    what was accepted cannot be kept on disk now
    │   └── OverloadError  nothing more can be accepted now; deliver it again later
    └── ServiceError    a part cannot start, such as a port that is taken

Every message says what was wrong, where, and what to do. None contains a secret.
"""

from __future__ import annotations


class ExporterError(Exception):
    """The base of all errors that the exporter raises on purpose."""


class ConfigError(ExporterError):
    """The configuration cannot be used.

    ``problems`` holds one finished line for each thing that is wrong.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class EventError(ExporterError, ValueError):
    """One event cannot be accepted.

    ``reason`` is a short word fit for a label; the message is for people. It is a `ValueError` so that
    a decoder reports it with the place in its input.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class JournalError(ExporterError):
    """What was accepted is not on disk yet, and cannot be written now; the journal goes on trying."""


class OverloadError(JournalError):
    """Nothing more is accepted now, since too much waits to be written; the event was not taken."""


class ServiceError(ExporterError):
    """A part of the exporter cannot start."""
