"""What goes wrong between us and a bot: said once when it begins and once when it ends."""

from __future__ import annotations

import logging

from exporter.state.exchange import ErrorKind
from exporter.state.state import Component, State

log = logging.getLogger(__name__)

_STARTING = Component().detail


class BotError(Exception):
    """The bot did not answer as it should; the message says why and what to do, without a secret."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Part:
    """The health of one part of a bot, as `/health` shows it."""

    def __init__(self, state: State, name: str) -> None:
        self._name = name
        self._component = state.components[name]

    def works(self, detail: str = "") -> None:
        """Note that it works, and say so if it did not."""
        component = self._component
        if not component.up and component.detail != _STARTING:
            log.info("%s works again", self._name)
        component.up, component.detail = True, detail

    def failed(self, kind: ErrorKind, text: str) -> None:
        """Note that it does not work; logged when it begins or changes its kind, not at each retry."""
        component, said = self._component, f"{kind}: {text}"
        is_news = component.up or component.detail.partition(":")[0] != kind
        log.log(
            logging.WARNING if is_news else logging.DEBUG,
            "%s failed, retrying",
            self._name,
            extra={"error": kind, "detail": text},
        )
        component.up, component.detail = False, said
