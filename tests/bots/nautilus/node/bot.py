"""A nautilus_trader that trades on its own simulated venues and publishes to Redis; runs in its own environment.

``python bot.py backtest SETTINGS`` trades through a fixed history and ends; ``python bot.py node SETTINGS`` is a
live node with a sandbox that trades until SIGTERM. SETTINGS is a JSON file: ``port``, ``password``, ``encoding``,
``iso8601``, ``stream_per_topic``, ``use_instance_id``, ``trader_id``, ``quotes``, the length of the history, and
``report``, the file that nautilus's own account of it all is written to at the end.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.factory import SandboxLiveExecClientFactory
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FeeModel, MakerTakerFeeModel
from nautilus_trader.common.config import DatabaseConfig, MessageBusConfig
from nautilus_trader.config import (
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, LiquiditySide, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import TraderId, Venue
from nautilus_trader.model.objects import Currency, Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

SPOT = TestInstrumentProvider.btcusdt_binance()
LINEAR = TestInstrumentProvider.xrpusdt_linear_bybit()
INVERSE = TestInstrumentProvider.xbtusd_bitmex()
START = 1_760_000_000_000_000_000  # nanoseconds
SECOND = 1_000_000_000


class ThreeCurrencies(FeeModel):  # type: ignore[misc]  # nautilus is installed where it runs, not where types are checked
    """Commissions in turn in the quote currency, the base currency and a third one, each on one leg."""

    def __init__(self) -> None:
        self._usual = MakerTakerFeeModel()
        self._turn = 0

    def get_commission(self, order: Any, fill_qty: Any, fill_px: Any, instrument: Any) -> Any:
        if instrument.id != SPOT.id:
            return self._usual.get_commission(order, fill_qty, fill_px, instrument)
        self._turn += 1
        worth = fill_qty.as_decimal() * fill_px.as_decimal() * Decimal("0.001")
        match self._turn % 3:
            case 0:
                return Money(fill_qty.as_decimal() * Decimal("0.001"), BTC)
            case 1:
                return Money(worth, USDT)
        return Money(worth / 600, Currency.from_str("BNB"))


class MakerConfig(StrategyConfig, frozen=True):  # type: ignore[misc, call-arg]  # as above
    instrument_id: Any
    size: str
    turns: int = 6


class Maker(Strategy):  # type: ignore[misc]  # as above
    """Buys and sells by turns: at the market, resting at the touch until the market comes, beyond it and canceled."""

    def on_start(self) -> None:
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.turn = 0
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_quote_tick(self, tick: Any) -> None:
        self.turn += 1
        step, side = self.turn % 8, OrderSide.BUY if (self.turn // 8) % 3 < 2 else OrderSide.SELL
        if step == 1:
            self._market(side, Decimal(1))
        elif step == 2:
            price = tick.bid_price if side == OrderSide.BUY else tick.ask_price
            self._limit(side, price, post_only=False)
        elif step == 4:
            self._market(OrderSide.SELL if side == OrderSide.BUY else OrderSide.BUY, Decimal(3))  # through zero
        elif step == 5:
            self._limit(OrderSide.BUY, tick.ask_price, post_only=True)  # would take: rejected
        elif step == 6:
            far = self.instrument.make_price(tick.bid_price.as_double() * 0.9)
            self._limit(OrderSide.BUY, far, post_only=False)
        elif step == 7:
            self.cancel_all_orders(self.config.instrument_id)

    def _size(self, times: Decimal) -> Any:
        return self.instrument.make_qty(Decimal(self.config.size) * times)

    def _market(self, side: Any, times: Decimal) -> None:
        self.submit_order(self.order_factory.market(self.config.instrument_id, side, self._size(times)))

    def _limit(self, side: Any, price: Any, *, post_only: bool) -> None:
        self.submit_order(
            self.order_factory.limit(
                self.config.instrument_id,
                side,
                self._size(Decimal(2)),
                price,
                time_in_force=TimeInForce.GTC,
                post_only=post_only,
            )
        )


def quotes(instrument: Any, middle: float, count: int, start: int = START, depth: str = "1") -> list[Any]:
    """A market that swings by a percent; ``depth`` is less than some orders, so that they fill in parts."""
    found = []
    for number in range(count):
        swing = (number * 7 % 11 - 5) / 500
        bid = instrument.make_price(middle * (1 + swing))
        ask = instrument.make_price(float(bid) + 2 * float(instrument.price_increment))
        size = instrument.make_qty(Decimal(depth))
        ts = start + number * SECOND
        found.append(QuoteTick(instrument.id, bid, ask, size, size, ts, ts))
    return found


def message_bus(settings: dict[str, Any]) -> Any:
    return MessageBusConfig(
        database=DatabaseConfig(host="127.0.0.1", port=settings["port"], password=settings.get("password")),
        encoding=settings["encoding"],
        timestamps_as_iso8601=settings.get("iso8601", False),
        stream_per_topic=settings.get("stream_per_topic", True),
        use_instance_id=settings.get("use_instance_id", False),
        heartbeat_interval_secs=1,
        types_filter=[QuoteTick],
    )


def strategies() -> list[Any]:
    return [
        Maker(MakerConfig(strategy_id="SPOT", order_id_tag="001", instrument_id=SPOT.id, size="0.01")),
        Maker(MakerConfig(strategy_id="LINEAR", order_id_tag="002", instrument_id=LINEAR.id, size="500")),
        Maker(MakerConfig(strategy_id="INVERSE", order_id_tag="003", instrument_id=INVERSE.id, size="100")),
    ]


def backtest(settings: dict[str, Any]) -> None:
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId(settings["trader_id"]),
            message_bus=message_bus(settings),
            logging=LoggingConfig(log_level="WARNING"),
        )
    )
    funds = [Money(1_000_000, USDT), Money(10, BTC), Money(100, Currency.from_str("BNB"))]
    for venue, instrument in (("BINANCE", SPOT), ("BYBIT", LINEAR), ("BITMEX", INVERSE)):
        engine.add_venue(
            venue=Venue(venue),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            starting_balances=funds,
            fee_model=ThreeCurrencies(),
        )
        engine.add_instrument(instrument)
    count = settings.get("quotes", 120)
    engine.add_data(quotes(SPOT, 60_000.0, count, depth="0.015"))
    engine.add_data(quotes(LINEAR, 2.5, count, depth="800"))
    engine.add_data(quotes(INVERSE, 60_000.0, count, depth="150"))
    for strategy in strategies():
        engine.add_strategy(strategy)
    engine.run()
    write(engine.cache, Path(settings["report"]))
    engine.dispose()


class Feed(Strategy):  # type: ignore[misc]  # as above
    """Brings the quotes that a venue would, ten a second."""

    def on_start(self) -> None:
        self.step = 0
        self.clock.set_timer("feed", timedelta(milliseconds=100), callback=self._quote)

    def _quote(self, _: Any) -> None:
        self.step += 1
        now = self.clock.timestamp_ns()
        tick = quotes(SPOT, 60_000.0, self.step + 1, now - self.step * SECOND, "0.015")[-1]
        self.msgbus.send(endpoint="DataEngine.process", msg=tick)


def node(settings: dict[str, Any]) -> None:
    config = TradingNodeConfig(
        trader_id=TraderId(settings["trader_id"]),
        logging=LoggingConfig(log_level="WARNING"),
        message_bus=message_bus(settings),
        data_engine=LiveDataEngineConfig(),
        exec_engine=LiveExecEngineConfig(reconciliation=False),
        exec_clients={
            "BINANCE": SandboxExecutionClientConfig(
                venue="BINANCE", starting_balances=["1000000 USDT", "10 BTC"], account_type="MARGIN"
            )
        },
        timeout_connection=5.0,
        timeout_disconnection=2.0,
        timeout_post_stop=1.0,
    )
    running = TradingNode(config=config)
    running.kernel.data_engine.process(SPOT)
    running.add_exec_client_factory("BINANCE", SandboxLiveExecClientFactory)
    running.trader.add_strategy(strategies()[0])
    running.trader.add_strategy(Feed(StrategyConfig(strategy_id="FEED", order_id_tag="009")))
    running.build()
    try:
        running.run()
    finally:
        write(running.cache, Path(settings["report"]))
        running.dispose()


def write(cache: Any, path: Path) -> None:
    """What nautilus itself makes of it: fills, commissions and positions, decimals as text."""
    fills = [event for order in cache.orders() for event in order.events if type(event).__name__ == "OrderFilled"]
    report = {
        "fills": [
            {
                "instrument": str(fill.instrument_id),
                "trade_id": str(fill.trade_id),
                "side": fill.order_side.name,
                "quantity": str(fill.last_qty),
                "price": str(fill.last_px),
                "commission": str(fill.commission),
                "liquidity": LiquiditySide(fill.liquidity_side).name,
                "ts": fill.ts_event,
            }
            for fill in fills
        ],
        "positions": [
            {
                "instrument": str(position.instrument_id),
                "signed_quantity": str(position.signed_qty),
                "realized_pnl": str(position.realized_pnl),
                "commissions": [str(money) for money in position.commissions()],
            }
            for position in [*cache.positions(), *cache.position_snapshots()]
        ],
        "orders": [
            {"instrument": str(order.instrument_id), "status": order.status.name, "side": order.side.name}
            for order in cache.orders()
        ],
        "balances": {
            str(account.id): {currency.code: str(balance.total) for currency, balance in account.balances().items()}
            for account in cache.accounts()
        },
    }
    path.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    {"backtest": backtest, "node": node}[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text()))
