"""Trades as often as it can: two further entries, an exit of a third, and the exit of the rest."""

from __future__ import annotations

from typing import Any

from freqtrade.strategy import IStrategy


class Often(IStrategy):  # type: ignore[misc]  # freqtrade is installed where it runs, not where types are checked
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": 100}  # noqa: RUF012 - as freqtrade wants it
    stoploss = -0.9
    startup_candle_count = 0
    process_only_new_candles = False
    position_adjustment_enable = True
    max_entry_position_adjustment = 2

    def bot_loop_start(self, *_: Any, **__: Any) -> None:
        """A pair may be traded again at once, not only at the next candle."""
        for pair in self.dp.current_whitelist():
            self.unlock_pair(pair)

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002 - freqtrade counts the arguments
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002 - freqtrade counts the arguments
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002 - freqtrade counts the arguments
        return dataframe

    def adjust_trade_position(self, *_: Any, trade: Any, **__: Any) -> tuple[float, str] | None:
        filled = len(trade.select_filled_orders())
        if trade.has_open_orders or filled > 3:
            return None
        return (100.0, "more") if filled < 3 else (-trade.stake_amount / 3, "part")

    def custom_exit(self, *_: Any, trade: Any, **__: Any) -> str | None:
        return "enough" if len(trade.select_filled_orders()) > 3 else None
