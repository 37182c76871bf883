"""An alert in one short message: how bad, what it is about, what it is, and its value.

The alphabet is that of GSM 03.38, in which a message has 160 characters, as far as it is ASCII; a single character
beyond it would leave room for 70. https://www.etsi.org/deliver/etsi_ts/123000_123099/123038/
"""

from __future__ import annotations

import unicodedata

from exporter.events.alerts import Notification, where

ROOM = 160

_TWO = frozenset("^{}\\[~]|")  # take the room of two characters
_CUT = "..."
_KNOWN = str.maketrans(
    {"€": "EUR", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2019": "'", "`": "'", "·": "-", "≤": "<=", "≥": ">="}
)


def text(told: Notification) -> str:
    """At most 160 characters."""
    firing = [alert for alert in told.alerts if alert.status == "firing"]
    severity = told.common_labels.get("severity", "").upper() or "ALERT"
    state = severity if told.status == "firing" else "RESOLVED"
    summary = told.common_annotations.get("summary") or told.common_labels.get("alertname", "several alerts")
    count = f" ({len(firing)} alerts)" if len(firing) > 1 else ""
    detail = firing[0].annotations.get("description", "") if firing else ""
    head = " ".join(filter(None, (state, where(told.common_labels))))
    return shorten(f"{head}: {summary}{count} {detail}")


def shorten(wanted: str) -> str:
    """As much as there is room for, in characters that every phone has, without a link that could be followed."""
    plain = _plain(wanted)
    if _size(plain) <= ROOM:
        return plain
    room = ROOM - len(_CUT)
    while _size(plain) > room:
        plain = plain[: -max(1, (_size(plain) - room) // 2)]
    return plain.rstrip() + _CUT


def _plain(wanted: str) -> str:
    decomposed = unicodedata.normalize("NFKD", wanted.translate(_KNOWN))
    kept = "".join(character for character in decomposed if not unicodedata.combining(character))
    ascii_only = "".join(character if " " <= character <= "~" else _other(character) for character in kept)
    return " ".join(ascii_only.replace("://", ": ").split())


def _other(character: str) -> str:
    return " " if character.isspace() or not character.isprintable() else "?"


def _size(plain: str) -> int:
    return len(plain) + sum(character in _TWO for character in plain)
