"""Who waits for the disk."""

from __future__ import annotations

import asyncio

from exporter.errors import JournalError
from exporter.journal.database import Part

_Waiters = list["asyncio.Future[None]"]


class Waiting:
    """Those who wait for records, before and after the writer took these, and those who wait for saved parts."""

    def __init__(self) -> None:
        self.saving: list[tuple[list[Part], asyncio.Future[None]]] = []
        self._came: _Waiters = []
        self._taken: _Waiters = []

    @property
    def is_work(self) -> bool:
        """Whether anybody waits for what the writer has not taken yet."""
        return bool(self._came or self.saving)

    def for_records(self, *, taken: bool) -> asyncio.Future[None]:
        """Wait for the records that the writer has in hand, or for those that came since as well."""
        future = asyncio.get_running_loop().create_future()
        (self._taken if taken else self._came).append(future)
        return future

    def for_parts(self, parts: list[Part]) -> asyncio.Future[None]:
        """Wait for these parts to be saved."""
        future = asyncio.get_running_loop().create_future()
        self.saving.append((parts, future))
        return future

    def take(self) -> None:
        """The writer has all records in hand."""
        self._taken, self._came = self._came, []

    def written(self) -> None:
        """What the writer took is on disk."""
        _answer(self._taken)
        self._taken = []

    def saved(self, parts: list[Part], future: asyncio.Future[None], failure: str = "") -> None:
        """These parts are saved, or were refused."""
        _answer([future], failure)
        self.saving.remove((parts, future))

    def refused(self, failure: str) -> None:
        """None of it gets on disk now."""
        _answer([*self._taken, *self._came, *(future for _, future in self.saving)], failure)
        self._taken, self._came, self.saving = [], [], []


def _answer(waiters: _Waiters, failure: str = "") -> None:
    for future in waiters:
        if future.done():
            continue
        if failure:
            future.set_exception(JournalError(failure))
        else:
            future.set_result(None)
