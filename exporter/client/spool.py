"""What must not be lost on its way: written to files before it is sent, deleted when the exporter has it."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from exporter.client.lane import Lane
from exporter.client.lines import LONGEST_LINE, is_passing
from exporter.client.segment import Position, Segment
from exporter.client.settings import Latest, Notice, log

SEGMENT_BYTES = 1024 * 1024
MEMORY_BYTES = 16 * 1024 * 1024  # what may wait in memory while there is no disk
REFUSED_BYTES = 16 * 1024 * 1024  # what is kept of events that were refused
_GROUP_BYTES = 64 * 1024  # what is written at once
_DISK_AGAIN = 1.0  # seconds until a disk that refused is tried again


class Entry(NamedTuple):
    """A line to send; ``end`` is where it ends in the spool, None when it is not from there."""

    line: bytes
    end: Position | None


class Spool:
    """Segments in order, from the oldest that is not acknowledged to the one that is written to.

    One thread appends and another reads and acknowledges. No method raises for a disk that fails: lines then
    wait in memory, up to `MEMORY_BYTES`, and go to the disk when it works again. Without a folder there is never
    a disk.
    """

    def __init__(self, folder: Path | None, most_bytes: int, latest: Latest) -> None:
        self.lost = 0
        self.dropped = 0
        self._disk = Notice(latest)
        self._full = Notice(latest)
        self._folder = folder
        self._most_bytes = most_bytes
        self._segment_bytes = min(SEGMENT_BYTES, most_bytes // 8)
        self._lock = threading.RLock()
        self._lanes: list[Lane] = []  # the first is written to; the others have only what others left
        self._segments: list[Segment] = []
        self._numbers = 0
        self._disk_after = 0.0
        self._unsynced_since: float | None = None
        self._closed = False

    # The writing side.

    def open(self) -> None:
        """Take a lane of the folder, and what earlier clients left unsent."""
        if self._folder is None or self._lanes:
            return
        lanes: list[Lane] = []
        try:
            lanes = Lane.claim_all(self._folder)
            found = [(path, start, lane) for lane in lanes for path, start in lane.leftovers()]
            found.sort(key=lambda each: (each[0].name, each[0]))
            segments = [Segment.found(number - len(found), *each) for number, each in enumerate(found)]
        except OSError as error:
            for lane in lanes:
                lane.release()
            self._disk_failed(error)
            return
        with self._lock:
            self._lanes = lanes
            self._segments[:0] = segments
        if lines := sum(segment.lines for segment in segments):
            log.info("%d events that an earlier run left in the spool will be sent", lines)

    def append(self, lines: list[bytes]) -> None:
        """Add lines, in memory if the disk refuses; those that fit nowhere are counted as lost."""
        with self._lock:
            self._to_disk()
            for group in _groups(lines):
                self._add(group)

    def maintain(self, sync_seconds: float) -> None:
        """Bring to the platter what has waited for that so long, and to the disk what waits in memory."""
        with self._lock:
            self._to_disk()
            since = self._unsynced_since
            segment = self._segments[-1] if self._segments else None
            if since is None or segment is None or time.monotonic() - since < sync_seconds:
                return
            self._unsynced_since = None
            if not segment.lines:  # the exporter has it all
                return
        try:
            segment.sync()  # outside of the lock, since it may take long; only this side closes the file
        except OSError as error:
            self._disk_failed(error)
            self._unsynced_since = time.monotonic()

    @property
    def end(self) -> Position:
        """Where the next line will begin."""
        with self._lock:
            return self._segments[-1].end if self._segments else Position(self._numbers + 1, 0)

    # The sending side.

    def read(self, most_lines: int, most_bytes: int) -> list[Entry]:
        """The next lines, in order, each given once; empty when there are none now."""
        with self._lock:
            for segment in [] if self._closed else list(self._segments):
                try:
                    while segment.read_to < segment.size:
                        if entries := self._read(segment, most_lines, max(most_bytes, LONGEST_LINE)):
                            return entries
                except FileNotFoundError:
                    self._taken_away(segment)
                except OSError as error:  # such as too many open files: it is tried again
                    self._disk_failed(error)
                    return []
            return []

    def acknowledge(self, end: Position, lines: int) -> None:
        """Forget ``lines`` lines of a segment, which are all up to ``end``."""
        with self._lock:
            for segment in [] if self._closed else list(self._segments):
                if segment.number == end.segment:
                    segment.start = end.offset
                    segment.lines -= lines
                    self._acknowledged(segment)

    def set_aside(self, lines: list[bytes]) -> None:
        """Keep events that the exporter will not take in a file for people, as far as there is room."""
        if self._folder is None:
            return
        with suppress(OSError):
            number = os.open(self._folder / "refused.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if os.fstat(number).st_size < REFUSED_BYTES:
                    os.write(number, b"".join(lines))
            finally:
                os.close(number)

    # Both.

    @property
    def lines(self) -> int:
        """How many lines are not acknowledged; does not wait for the lock, so that statistics never do."""
        return sum(segment.lines for segment in list(self._segments))

    def is_acknowledged(self, end: Position) -> bool:
        """Whether nothing before ``end`` waits."""
        with self._lock:
            return all((each.number, each.start) >= end for each in self._segments if each.lines)

    @property
    def lines_on_disk(self) -> int:
        """How many of them are in files."""
        return sum(segment.lines for segment in list(self._segments) if segment.path)

    @property
    def is_safe(self) -> bool:
        """Whether all lines are acknowledged, or on disk and safe from a power failure."""
        with self._lock:
            return all(each.path and each.synced >= each.size for each in self._segments if each.lines)

    def close(self) -> None:
        """Give the folder back; what is unsent stays in it for the next client."""
        self._disk_after = 0.0
        self.maintain(0.0)
        with self._lock:
            self._closed = True
            if waiting := self.lines - self.lines_on_disk:
                self.lost += waiting
                log.error("%d events are lost: neither the exporter nor a spool on disk took them", waiting)
            for segment in list(self._segments):
                if not segment.lines:
                    self._remove(segment)
            self.abandon()

    def abandon(self) -> None:
        """Close the files and leave all else as it is: after a fork it is the parent's."""
        for segment in self._segments:
            segment.close()
        for lane in self._lanes:
            lane.release()

    # Inside, under the lock.

    def _add(self, lines: list[bytes]) -> None:
        data = b"".join(lines)
        segment = self._current()
        if not self._has_room(segment, len(data)):
            self._squeeze(lines)
            return
        try:
            segment.append(data, len(lines))
        except OSError as error:
            self._disk_failed(error)
            self._current().append(data, len(lines))
            return
        if segment.path:
            self._disk.ends("the spool can be written again")
            self._unsynced_since = self._unsynced_since or time.monotonic()

    def _squeeze(self, lines: list[bytes]) -> None:
        """Add of these what fits: none that may give way, and of the others the first ones."""
        lasting = [line for line in lines if not is_passing(line)]
        if len(lasting) < len(lines):
            self._give_way(len(lines) - len(lasting))
            self._add(lasting)
        elif len(lines) > 1:
            self._add(lines[: len(lines) // 2])
            self._add(lines[len(lines) // 2 :])
        else:
            self._lose(len(lines))

    def _current(self) -> Segment:
        """The segment that lines go to now, in memory when the disk refuses."""
        last = self._segments[-1] if self._segments else None
        if last and last.is_open and last.size < self._segment_bytes:
            return last
        if last:
            self._end(last)
        self._numbers += 1
        segment = Segment(self._numbers)
        self._segments.append(segment)
        in_memory = any(each.path is None and each.lines for each in self._segments)
        if self._lanes and not in_memory and time.monotonic() >= self._disk_after:
            self._create(segment)
        return segment

    def _end(self, segment: Segment) -> None:
        try:
            if segment.lines:
                segment.sync()
        except OSError as error:
            self._disk_failed(error)
        segment.close()
        if not segment.lines:
            self._remove(segment)

    def _create(self, segment: Segment) -> bool:
        """Bring a segment to the disk; whether that went well."""
        lane = self._lanes[0]
        latest = max((int(each.path.stem) for each in self._segments if each.path), default=0)
        try:
            segment.create(lane.folder / f"{max(time.time_ns(), latest + 1):020d}.ndjson", lane)
        except OSError as error:
            self._disk_failed(error)
            return False
        return True

    def _to_disk(self) -> None:
        """Bring to the disk what waits in memory, in order, unless the disk refused a moment ago."""
        if self._folder is None or time.monotonic() < self._disk_after:
            return
        if not self._lanes:
            self.open()
        waiting = [each for each in self._segments if each.path is None and each.lines]
        if self._lanes and all(self._create(segment) for segment in waiting) and waiting:
            self._disk.ends("the spool can be written again")
        for segment in waiting:
            if segment is not self._segments[-1]:
                segment.close()

    def _has_room(self, segment: Segment, size: int) -> bool:
        if segment.path is None:
            used = sum(each.size for each in self._segments if each.path is None)
            return used + size <= min(MEMORY_BYTES, self._most_bytes)
        while (used := sum(each.size for each in self._segments)) + size > self._most_bytes:
            if not self._make_room():
                return False
        if used < self._most_bytes // 2:
            self._full.ends("the spool has room again")
        return True

    def _make_room(self) -> bool:
        """Let the oldest orders, balances and positions give way; False when there are none left."""
        for segment in self._segments[:-1]:
            if segment.path is None or segment.read_to or segment.is_thinned:
                continue
            try:
                dropped = segment.thin()
            except OSError as error:
                self._disk_failed(error)
                return False
            if dropped:
                self._give_way(dropped)
                if not segment.lines:
                    self._remove(segment)
                return True
        return False

    def _give_way(self, lines: int) -> None:
        self.dropped += lines
        if not self._full.there:
            self._full.begins("room", "the spool is full: orders, balances and positions give way, the oldest first")

    def _lose(self, lines: int) -> None:
        self.lost += lines
        why = (
            f"the spool has its {self._most_bytes} bytes; bring the exporter back or raise spool_bytes"
            if self._lanes and not self._disk.there
            else "there is no disk to keep them on, and no more memory for them; bring the exporter or the disk back"
        )
        self._full.begins("lost", f"events are lost: the exporter does not take them, and {why}", logging.ERROR)

    def _disk_failed(self, error: OSError) -> None:
        self._disk_after = time.monotonic() + _DISK_AGAIN
        why = error.strerror or str(error)
        text = f"cannot use the spool {self._folder} ({why}): events wait in memory only; free or repair the disk"
        self._disk.begins("disk", text, logging.ERROR)

    def _read(self, segment: Segment, most_lines: int, most_bytes: int) -> list[Entry]:
        """Lines of one segment; what is damaged is skipped and counted."""
        data = segment.read(segment.read_to, most_bytes)
        if not data:
            raise FileNotFoundError
        if b"\n" not in data:  # longer than any event
            segment.read_to += len(data)
            return []
        entries = []
        for line in BytesIO(data[: data.rfind(b"\n") + 1]).readlines()[:most_lines]:
            segment.read_to += len(line)
            if segment.is_found and not _is_event(line):
                segment.lines -= 1
                self.lost += 1
                log.error("a damaged line was left out of %s, before byte %d", segment.path, segment.read_to)
            else:
                entries.append(Entry(line, Position(segment.number, segment.read_to)))
        if not segment.lines:
            self._acknowledged(segment)
        return entries

    def _taken_away(self, segment: Segment) -> None:
        log.error("%d events are lost: %s was deleted or cut by somebody else", segment.lines, segment.path)
        self.lost += segment.lines
        segment.lines = 0
        segment.read_to = segment.size
        self._remove(segment)

    def _acknowledged(self, segment: Segment) -> None:
        if not segment.lines and (not segment.is_open or segment.path is None):
            self._remove(segment)
        elif segment.path and segment.lane:
            segment.lane.acknowledge(segment.path.name, segment.start)

    def _remove(self, segment: Segment) -> None:
        self._segments.remove(segment)
        segment.delete()
        lane = segment.lane
        if lane in self._lanes[1:] and not any(each.lane is lane for each in self._segments):
            self._lanes.remove(lane)
            lane.release()


def _groups(lines: list[bytes]) -> Iterator[list[bytes]]:
    """The lines in runs of about `_GROUP_BYTES`."""
    group: list[bytes] = []
    size = 0
    for line in lines:
        group.append(line)
        size += len(line)
        if size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _is_event(line: bytes) -> bool:
    """Whether a line that another process left is whole: after a power failure it may be zeros."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
