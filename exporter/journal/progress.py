"""Tells a person at a terminal how far long work is."""

from __future__ import annotations

import sys
import time

_EVERY = 0.5  # seconds


class Progress:
    """One line on standard error that is written over, when that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()
        self._at = time.monotonic() + _EVERY
        self._written = False

    def records(self, count: int) -> None:
        """So many records were read."""
        self._tell(f"{count:,} records")

    def pages(self, left: int, of: int) -> None:
        """So many pages are left."""
        self._tell(f"{100 * (of - left) // max(of, 1)} %")

    def end(self) -> None:
        """Leave an empty line."""
        if self._written:
            sys.stderr.write("\r\033[K")

    def _tell(self, text: str) -> None:
        if self._shown and time.monotonic() >= self._at:
            self._at = time.monotonic() + _EVERY
            self._written = True
            sys.stderr.write(f"\r\033[K{self._what}: {text}")
            sys.stderr.flush()
