"""Incidents: an alert from when it begins to fire until it is resolved."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator

import msgspec

from exporter.config import Incidents as Settings
from exporter.events.alerts import Alert, where
from exporter.journal.records import Incident
from exporter.metrics import INCIDENT_BUCKETS
from exporter.state.histogram import Histogram

SEVERITIES = ("critical", "warning", "info", "other")
"""What an incident's severity may be: a label that says anything else is other."""

HEARTBEAT = "TradingWatchdog"
"""The alert that always fires, so that its absence says something. It is no incident."""

DAY, _HOUR = 86_400.0, 3_600.0

_AHEAD = 300.0  # seconds that another clock may be ahead of ours
_LONGEST = 200  # characters of a text that is kept

_Key = tuple[str, float]


class SavedIncidents(msgspec.Struct, frozen=True, array_like=True):
    """`Incidents` to be kept and restored; ``number`` is that of the last record that is in it."""

    number: int
    kept: list[Incident]
    totals: dict[str, int]
    counts: list[int]
    seconds: float


class Incidents:
    """The last so many incidents.

    ``totals`` are those that began, by severity; ``resolution`` the seconds that those took which were told to be
    over; ``heard`` when Alertmanager was last heard of, None if not since our own start; ``heartbeat`` whether the last
    that it told of the heartbeat was that it is there.

    What is new is first made a record, with `news`, for the journal, and then taken. Taking a record again changes
    nothing. Alertmanager may tell things twice, and in any order.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.totals: Counter[str] = Counter()
        self.resolution = Histogram(INCIDENT_BUCKETS)
        self.heard: float | None = None
        self.heartbeat = True
        self._keep, self._within = settings.keep, settings.heard_within
        self._many, self._spike = settings.many, settings.spike_factor
        self._clock = clock
        self._kept: OrderedDict[_Key, Incident] = OrderedDict()
        self._newest: dict[str, float] = {}  # by fingerprint, the beginning of its last incident
        self._seen: dict[_Key, float] = {}  # when those that are not over were last told
        self._number = 0

    def news(self, alert: Alert) -> Incident | None:
        """What an alert tells that was not known, not taken yet; None when it is nothing."""
        now, starts = self._clock(), alert.starts_at.timestamp()
        if starts > now + _AHEAD:
            return None
        ends = None
        if alert.status == "resolved":
            ends = max(starts, now if alert.ends_at is None else alert.ends_at.timestamp())
        key = self._key(alert.fingerprint, starts, ends)
        known = self._kept.get(key)
        if known is not None and (known.resolved or ends is None):
            if known.ends is None:
                self._seen[key] = now
            return None
        if known is None and self._is_full():
            return None
        severity = alert.labels.get("severity", "")
        return Incident(
            self._number + 1,
            now,
            alert.fingerprint,
            severity if severity in SEVERITIES else "other",
            alert.name[:_LONGEST],
            where(alert.labels)[:_LONGEST],
            alert.annotations.get("summary", "")[:_LONGEST],
            key[1],
            ends,
            ends is not None,
        )

    def take(self, record: Incident) -> None:
        """Take what `news` made, now or before a restart."""
        if record.number <= self._number:
            return
        self._number = record.number
        key = record.fingerprint, record.starts
        known = self._kept.get(key)
        if known is None:
            self.totals[record.severity] += 1
            self._make_room()
            record = self._begun(record)
        elif known.resolved or not record.resolved:
            return
        if record.resolved and record.ends is not None:
            self.resolution.observe(record.ends - record.starts)
        self._put(key, record)

    def hear(self, alert: Alert | None = None) -> None:
        """Note that Alertmanager is there, and what it says of the heartbeat."""
        self.heard = self._clock()
        if alert is not None and alert.name == HEARTBEAT:
            self.heartbeat = alert.status == "firing"

    @property
    def is_silent(self) -> bool:
        """Whether Alertmanager was not heard of for too long, or not at all."""
        return self.heard is None or self._clock() - self.heard > self._within

    @property
    def number(self) -> int:
        """That of the last record."""
        return self._number

    def told_after(self, number: int) -> Iterator[Incident]:
        """Those of which something was told by records after that number."""
        return (each for each in self._kept.values() if each.number > number)

    def open(self) -> Iterator[Incident]:
        """Those that go on, as far as was told last; not those that were silenced or held back meanwhile."""
        return (self._kept[key] for key in self._seen if not self._is_lost(key))

    def is_open(self, incident: Incident) -> bool:
        """Whether it goes on, as far as anybody tells us now."""
        key = incident.fingerprint, incident.starts
        return key in self._seen and not self._is_lost(key) and not self.is_silent

    def recent(self, seconds: float) -> Iterator[Incident]:
        """Those that began within so many seconds, oldest first as they were told."""
        since = self._clock() - seconds
        return (each for each in self._kept.values() if each.starts >= since)

    @property
    def is_increasing(self) -> bool:
        """Whether more are open than configured as many."""
        return sum(1 for _ in self.open()) > self._many

    @property
    def trend(self) -> int:
        """1 for a spike, -1 while there are far fewer than before, else 0.

        Those that began in the last hour are held against an average hour of the 23 before; fewer than one in an hour
        are too few to compare with, and count as one.
        """
        since = self._clock() - _HOUR
        begun = [each.starts for each in self.recent(DAY)]
        now = sum(starts >= since for starts in begun)
        before = (len(begun) - now) / 23
        if now > self._spike * max(1.0, before):
            return 1
        return -1 if before >= 1 and now * self._spike < before else 0

    def save(self) -> SavedIncidents:
        """What is kept over a restart."""
        resolution = self.resolution
        kept = list(self._kept.values())
        return SavedIncidents(self._number, kept, dict(self.totals), resolution.counts.copy(), resolution.total)

    def load(self, saved: SavedIncidents) -> None:
        """Go on from what was saved."""
        self._number = saved.number
        self.totals = Counter(saved.totals)
        self.resolution.load(saved.counts, saved.seconds)
        for record in saved.kept:
            self._make_room()
            self._put((record.fingerprint, record.starts), record)

    def _key(self, fingerprint: str, starts: float, ends: float | None) -> _Key:
        """Which incident is told of.

        An alert that several Prometheus servers see begins, for Alertmanager, when the first of them saw it, even if
        it is told so only later. What overlaps one that goes on is that one.
        """
        newest = self._newest.get(fingerprint)
        known = None if newest is None else self._kept.get((fingerprint, newest))
        is_earlier = known is not None and known.ends is None and starts < known.starts
        if known is not None and is_earlier and (ends is None or ends > known.starts):
            return fingerprint, known.starts
        return fingerprint, starts

    def _begun(self, record: Incident) -> Incident:
        """An alert that fires anew was over before, and one that is told late is over if it fired anew since."""
        fingerprint, starts = record.fingerprint, record.starts
        newest = self._newest.get(fingerprint)
        before = None if newest is None else self._kept.get((fingerprint, newest))
        if before is None:
            return record
        if before.starts > starts:
            return record if record.ends is not None else msgspec.structs.replace(record, ends=before.starts)
        if before.ends is None:
            over = msgspec.structs.replace(before, ends=starts, number=record.number)
            self._put((fingerprint, before.starts), over)
        return record

    def _put(self, key: _Key, record: Incident) -> None:
        fingerprint, starts = key
        self._kept[key] = record
        self._newest[fingerprint] = max(starts, self._newest.get(fingerprint, starts))
        if record.ends is None:
            self._seen[key] = self._clock()
        else:
            self._seen.pop(key, None)

    def _is_lost(self, key: _Key) -> bool:
        """Whether others were told of, but this one no more."""
        return self.heard is not None and self.heard - self._seen[key] > self._within

    def _is_full(self) -> bool:
        """Whether there is no room for one more, since all that are kept go on."""
        return len(self._seen) >= self._keep and sum(1 for _ in self.open()) >= self._keep

    def _make_room(self) -> None:
        """Forget the oldest that does not go on."""
        while len(self._kept) >= self._keep:
            key = next((key for key in self._kept if key not in self._seen or self._is_lost(key)), None)
            if key is None:  # only where fewer are kept than before a restart
                key = next(iter(self._kept))
            del self._kept[key]
            self._seen.pop(key, None)
            if self._newest.get(key[0]) == key[1]:
                del self._newest[key[0]]
