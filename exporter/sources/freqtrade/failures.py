"""What goes wrong between us and a bot."""

from __future__ import annotations

from exporter.state.exchange import ErrorKind


class BotError(Exception):
    """The bot did not answer as it should; the message says why and what to do, without a secret."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
