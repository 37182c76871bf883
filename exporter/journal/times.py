"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(ts: float) -> str:
    """A Unix time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(text: str) -> float:
    """Unix time from ISO 8601 (UTC unless it says otherwise) or Unix seconds; `ValueError` for anything else."""
    try:
        ts = float(text)
    except ValueError:
        time = datetime.fromisoformat(text)
        ts = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    if not 0 <= ts < 1e11:
        raise ValueError(f"{text} is not Unix time in seconds")
    return ts
