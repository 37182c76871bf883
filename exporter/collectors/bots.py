"""Trading bots: are they there, do they trade, what are they."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exporter import metrics
from exporter.exposition import Batch, Sample, Value
from exporter.state.bots import BotState
from exporter.state.state import State

_WORDS = {None: "unknown", True: "yes", False: "no"}


def collect(state: State) -> Iterator[Batch]:
    """One set of families over all configured bots; what a bot does not tell has no sample."""
    bots = state.bots.items()
    yield metrics.BOT_UP, _known((name, bot.up) for name, bot in bots)
    yield metrics.BOT_RUNNING, _known((name, bot.running) for name, bot in bots)
    yield metrics.BOT_INFO, [((name, *_info(bot)), 1) for name, bot in bots]
    yield metrics.BOT_LAST_SEEN, _known((name, bot.last_seen) for name, bot in bots)
    yield metrics.BOT_OPEN_TRADES, _known((name, bot.open_trades) for name, bot in bots)
    yield metrics.BOT_MISSED_MESSAGES, [((name,), bot.missed) for name, bot in bots]


def _info(bot: BotState) -> tuple[str, ...]:
    return bot.kind, bot.version, bot.strategy, _WORDS[bot.dry_run]


def _known(values: Iterable[tuple[str, Value | None]]) -> list[Sample]:
    return [((name,), value) for name, value in values if value is not None]
