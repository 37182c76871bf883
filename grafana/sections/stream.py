"""The streams of the WebSocket: who listens, what is sent, what it costs, who had to go."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, bargauge, timeseries
from grafana.queries import Query

_MADE, _SENT = queries.rate(metrics.STREAM_MADE_BYTES), queries.rate(metrics.STREAM_SENT_BYTES)


def section() -> Section:
    """Return the row on the live streams."""
    return Section("Live streams", (line(7, _connections(), _messages(), _bytes()), line(6, _saved(), _lost())))


def _connections() -> Panel:
    return timeseries(
        "WebSocket connections",
        "Clients connected to /ws now: pages at /live and /public, and programs. A fall to nothing with everybody "
        "still there: see what was refused, and the proxy in between.",
        Query(queries.gauge(metrics.STREAM_CONNECTIONS), "connections"),
        look=Look(unit="short", decimals=0, low=0),
        draw=Draw(fill=0),
    )


def _messages() -> Panel:
    return timeseries(
        "WebSocket messages",
        "Messages a second to clients and from them. Sent grows with clients, subscriptions and what changes; much "
        "received: a program asks again and again, see what was refused.",
        Query(queries.rate(metrics.STREAM_MESSAGES), "sent"),
        Query(queries.rate(metrics.STREAM_RECEIVED), "received"),
        look=Look(unit="suffix:/s", low=0),
        draw=Draw(fill=0),
    )


def _bytes() -> Panel:
    return timeseries(
        "WebSocket bytes",
        "Bytes a second of messages, before compression and as they were sent. The second is what the network carries; "
        "too much of it: a longer stream.interval_seconds, or clients that subscribe to less.",
        Query(_MADE, "made"),
        Query(_SENT, "sent"),
        look=Look(unit="Bps", low=0),
        draw=Draw(fill=0),
    )


def _saved() -> Panel:
    return timeseries(
        "Saved by compression",
        "Share of the bytes that compression saved; without a value while nothing is sent. Near nothing: clients, or a "
        "proxy in between, do not offer permessage-deflate.",
        Query(f"1 - {queries.share(_SENT, _MADE)}", "saved"),
        look=Look(unit="percentunit", high=1),
        draw=Draw(fill=0),
    )


def _lost() -> Panel:
    return bargauge(
        "Dropped and refused",
        "Clients whose connection was ended, and requests that were not granted, by reason, in the time range. Slow: "
        "they could not read what they asked for; see the limits in docs/stream.md.",
        Query(queries.increase(metrics.STREAM_DROPPED, ("reason",)), "dropped: {{reason}}"),
        Query(queries.increase(metrics.STREAM_REFUSED, ("reason",)), "refused: {{reason}}"),
        look=Look(unit="short", decimals=0, low=0, steps=((None, "green"), (1, "orange"))),
    )
