"""freqtrade bots through their REST server, with its WebSocket as the quick way to hear of a change.

The bot's record of trades is the authority; a message on the stream only says that it is worth reading now.
"""

from __future__ import annotations

from functools import partial

from exporter.config import Config
from exporter.intake import Intake
from exporter.sources.freqtrade.source import FreqtradeSource
from exporter.sources.freqtrade.wallets import Wallets
from exporter.state.state import OWN, State
from exporter.supervision import Makers

__all__ = ["sources"]


def sources(config: Config, state: State, intake: Intake) -> Makers:
    """One source for each bot."""
    wallets = Wallets(state)
    return {
        f"{OWN}/freqtrade/{each.name}": partial(FreqtradeSource, each, state, intake, wallets)
        for each in config.freqtrade
    }
