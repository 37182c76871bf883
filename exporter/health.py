"""How a part of the exporter is, or the far end of one, and when to try again after a failure."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.state.state import State

log = logging.getLogger(__name__)

_LONGEST_DETAIL = 300  # characters


@dataclass(slots=True)
class Backoff:
    """Delays that double from ``first`` to ``longest`` seconds, each shortened at random by up to a half.

    The randomness keeps many clients from coming back at the same moment.
    """

    first: float = 1.0
    longest: float = 30.0
    _attempts: int = 0

    def next(self) -> float:
        """The next delay in seconds."""
        delay = min(self.longest, self.first * 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 30)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def reset(self) -> None:
        """Start again from the first delay, after a success."""
        self._attempts = 0


class Health:
    """How one part of the exporter, or the far end of a source, is: its component, and the log.

    A failure is logged when it begins and when it ends. ``secrets`` are kept out of what is said.
    """

    def __init__(self, part: str, state: State, secrets: Sequence[str] = ()) -> None:
        self._part = part
        self._component = state.components[part]
        self._secrets = secrets

    def works(self, detail: str = "") -> None:
        """It answers, or does what it should."""
        if self._component.failing:
            self._component.failing = False
            log.info("%s works again", self._part)
        self._component.up, self._component.detail = True, detail

    def unknown(self, why: str) -> None:
        """Nobody can tell how it is. That is no failure of its own, nor the end of one."""
        self._component.up, self._component.detail = True, f"unknown: {why}"

    def failed(self, problem: str | BaseException, kind: str = "") -> None:
        """It is away, or does not do what it should."""
        text = problem if isinstance(problem, str) else describe(problem, self._secrets)
        level = logging.DEBUG if self._component.failing else logging.WARNING
        more = {"error": kind} if kind else {}
        log.log(level, "%s failed, retrying", self._part, extra={"detail": text, **more})
        self._component.failing, self._component.up = True, False
        self._component.detail = f"{kind}: {text}" if kind else text


def describe(error: BaseException, secrets: Sequence[str] = ()) -> str:
    """The failure in one line without ``secrets``."""
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in secrets:
        text = text.replace(secret, "***")
    return text[:_LONGEST_DETAIL]
