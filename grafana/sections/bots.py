"""Trading bots: are they there, do they trade, when did each last show that it works."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, stat, state_timeline, table, timeseries
from grafana.queries import Query
from grafana.sections.exchanges import UP_OR_DOWN

_BY = ("bot",)
_LEGEND = "{{bot}}"


def summary() -> Panel:
    """Return what all bots together do now."""
    down = f"sum({queries.gauge(metrics.BOT_UP, _BY, how='max')} == bool 0)"
    stopped = f"sum({queries.gauge(metrics.BOT_RUNNING, _BY, how='max')} == bool 0)"
    return stat(
        "Bots",
        "Bots that do not answer, bots that are stopped or paused, and the orders and fills a minute of what is chosen "
        "above. Down: see its process and its log, and who looks after its orders. Bots without data: none is "
        "configured, and orders are known from the exchange alone.",
        Query(queries.or_unknown(down), "Bots"),
        Query(queries.or_unknown(stopped), "Trading"),
        Query(queries.or_unknown(queries.per_minute(metrics.ORDERS)), "Orders"),
        Query(queries.or_unknown(queries.per_minute(metrics.FILLS)), "Fills"),
        look=Look(unit="suffix:/min", decimals=1),
        series={
            "Bots": _none("suffix:down", "all up", "red"),
            "Trading": _none("suffix:stopped", "all", "orange"),
        },
    )


def _none(unit: str, word: str, otherwise: str) -> Look:
    return Look(unit=unit, decimals=0, steps=((None, "green"), (1, otherwise)), words={"0": (word, "green")})


def table_of_all() -> Panel:
    """Return a row for each bot, the one that has been silent for longest first."""
    return table(
        "Bots by name",
        "Each bot with the time since it last showed that it works, whether it answers, whether it trades, and the "
        "trades that it counts as open. Silent for minutes: it hangs; start it anew after a look at its log.",
        {
            "Silent for": Query(queries.age(metrics.BOT_LAST_SEEN, _BY)),
            "Answers": Query(queries.gauge(metrics.BOT_UP, _BY, how="max")),
            "Trades": Query(queries.gauge(metrics.BOT_RUNNING, _BY, how="max")),
            "Open trades": Query(queries.gauge(metrics.BOT_OPEN_TRADES, _BY, how="max")),
        },
        look=Look(unit="short", decimals=0),
        series={
            "Silent for": Look(unit="s", decimals=1),
            "Answers": Look(words={"0": ("no", "red"), "1": ("yes", "green")}, tinted=True),
            "Trades": Look(words={"0": ("stopped", "orange"), "1": ("yes", "green")}, tinted=True),
        },
    )


def section() -> Section:
    """Return the row on bots."""
    return Section(
        "Bots", (line(7, _up(), _running()), line(7, _silence(), _open_trades(), _missed(), _what_they_are()))
    )


def _up() -> Panel:
    return state_timeline(
        "Bot up",
        "Whether each bot answers and its loop turns. Down: its orders and positions have nobody who looks after "
        "them; see its process and its log.",
        Query(queries.gauge(metrics.BOT_UP, _BY, how="max"), _LEGEND),
        look=UP_OR_DOWN,
    )


def _running() -> Panel:
    return state_timeline(
        "Bot trades",
        "Whether each bot trades, or was stopped or paused. Stopped without your doing: see its own warnings.",
        Query(queries.gauge(metrics.BOT_RUNNING, _BY, how="max"), _LEGEND),
        look=Look(unit="none", steps=UP_OR_DOWN.steps, words={"0": ("stopped", "orange"), "1": ("trades", "green")}),
    )


def _silence() -> Panel:
    return timeseries(
        "Since last sign of work",
        "Time since each bot last showed that it works: a turn of its loop, a heartbeat, a message. A line that "
        "climbs is a bot that hangs or was stopped.",
        Query(queries.age(metrics.BOT_LAST_SEEN, _BY), _LEGEND),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _open_trades() -> Panel:
    return timeseries(
        "Open trades",
        "Trades or positions that each bot itself counts as open. Compare with its own limit: a bot that is at it "
        "opens nothing more.",
        Query(queries.gauge(metrics.BOT_OPEN_TRADES, _BY, how="max"), _LEGEND),
        look=Look(unit="none", decimals=0, low=0),
        draw=Draw(fill=0),
    )


def _missed() -> Panel:
    return timeseries(
        "Messages missed",
        "Messages of each bot that were removed before they could be read. Above 0: fills may be missing in the books; "
        "keep messages longer than the exporter may be away.",
        Query(queries.increase(metrics.BOT_MISSED_MESSAGES, _BY), _LEGEND),
        look=Look(unit="none", decimals=0, low=0),
        draw=Draw(fill=0),
    )


def _what_they_are() -> Panel:
    labels = ("bot", "kind", "version", "strategy", "dry_run")
    return stat(
        "What they are",
        "Program, version and strategy of each bot. Dry run yes: its fills are its own simulation, no money moved.",
        Query(
            queries.gauge(metrics.BOT_INFO, labels, how="max"),
            "{{bot}}: {{kind}} {{version}} {{strategy}}, dry run {{dry_run}}",
        ),
        look=Look(),
        names=True,
    )
