"""The trading bots that are watched, whatever program they are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BotState:
    """One bot, by its configured name in `State.bots`; its source fills in what the bot tells.

    ``kind`` is the program (``freqtrade``, ``hummingbot``, ``nautilus``). ``up`` says whether it answered when it
    was last asked, or was heard of lately, and None before either could be, or while nobody can tell, as when what it
    is heard through is away. ``running`` says whether it trades, and is not only there. ``last_seen`` is the Unix time
    of its newest sign of work: the last turn of its loop, a heartbeat, a message. None stands for what is not known.
    ``missed`` counts messages that were gone before they could be read.
    """

    kind: str
    up: bool | None = None
    running: bool | None = None
    dry_run: bool | None = None
    version: str = ""
    strategy: str = ""
    last_seen: float | None = None
    open_trades: int | None = None
    missed: int = 0
