"""The public figures on their way out: as JSON that is made once for all who ask, and as the stream `public`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from exporter.live.public import NOTHING, Public
from exporter.stream.table import Labels, Table

_encode = msgspec.json.encode


class Published:
    """What ``newest`` gives, or that nothing is known."""

    def __init__(self, newest: Callable[[], Public | None]) -> None:
        self._newest = newest
        self._shown = NOTHING
        self._text = _encode(NOTHING)

    @property
    def now(self) -> Public:
        """All of it."""
        return self._newest() or NOTHING

    @property
    def text(self) -> bytes:
        """The same as JSON; the same object as before while nothing new was heard."""
        if self._shown is not (now := self.now):
            self._shown, self._text = now, _encode(now)
        return self._text


class PublicView:
    """The things ``figures`` and ``history``; neither changes only because time passes."""

    def __init__(self, published: Published) -> None:
        self.table = Table(2)
        self._published = published
        self._seen: Public | None = None

    def refresh(self) -> Iterator[None]:
        """What was heard last."""
        now = self._published.now
        if now is self._seen:
            return
        self._seen = now
        figures = {name: getattr(now, name) for name in now.__struct_fields__ if name not in ("timestamp", "history")}
        self.table.put("figures", Labels(), _encode({"name": "figures", **figures}))
        yield
        history = {name: getattr(now.history, name) for name in now.history.__struct_fields__}
        self.table.put("history", Labels(), _encode({"name": "history", **history}))
        yield

    def look_again(self) -> None:
        """Also at what was heard already."""
        self._seen = None
