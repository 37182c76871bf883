"""Lets hummingbot itself write a database and send MQTT messages, for the tests to read.

Not run by the tests: hummingbot has to be built for it. With hummingbot 20260922 (its sources from PyPI, the
modules under ``core`` and ``connector`` built in place) and a broker on loopback::

    python record.py HUMMINGBOT_FOLDER BROKER_PORT OUTPUT_FOLDER

Hummingbot's own connector base, recorder, database manager and MQTT gateway do the work. Only the exchange is
missing: the events that its connector would fire after hearing from it are fired here.
"""
# mypy: ignore-errors
# ruff: noqa: ASYNC110, PLR0917

import asyncio
import json
import sqlite3
import sys
import types
from decimal import Decimal
from pathlib import Path

FOLDER, PORT, OUTPUT = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
sys.path.insert(0, str(FOLDER))


class _Unneeded(types.ModuleType):
    """Stands in for the migration of configuration files, which would pull in every strategy."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


sys.modules["hummingbot.client.config.conf_migration"] = _Unneeded("conf_migration")

import aiomqtt  # noqa: E402
import hummingbot.connector.markets_recorder as recorder_module  # noqa: E402
from hummingbot.client.config.client_config_map import (  # noqa: E402
    DBSqliteMode,
    MarketDataCollectionConfigMap,
    MQTTBridgeConfigMap,
)
from hummingbot.connector.connector_base import ConnectorBase  # noqa: E402
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType  # noqa: E402
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState  # noqa: E402
from hummingbot.core.data_type.trade_fee import (  # noqa: E402
    AddedToCostTradeFee,
    DeductedFromReturnsTradeFee,
    TokenAmount,
)
from hummingbot.core.event.events import (  # noqa: E402
    BuyOrderCompletedEvent,
    BuyOrderCreatedEvent,
    FundingPaymentCompletedEvent,
    MarketEvent,
    MarketOrderFailureEvent,
    OrderCancelledEvent,
    OrderExpiredEvent,
    OrderFilledEvent,
    SellOrderCompletedEvent,
    SellOrderCreatedEvent,
)
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType  # noqa: E402
from hummingbot.remote_iface import mqtt as gateway_module  # noqa: E402

T0 = 1_760_000_000.0
BUY, SELL = TradeType.BUY, TradeType.SELL
LIMIT, MAKER, MARKET = OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET


class Connector(ConnectorBase):
    """A connector without an exchange."""

    def __init__(self, name):
        self._name = name
        self.in_flight = {}
        super().__init__()

    @property
    def name(self):
        return self._name

    @property
    def tracking_states(self):
        return {order_id: order.to_json() for order_id, order in self.in_flight.items()}

    def create(self, order_id, side, kind, pair, amount, price, at):
        price = Decimal(price)
        event = BuyOrderCreatedEvent if side is BUY else SellOrderCreatedEvent
        tag = MarketEvent.BuyOrderCreated if side is BUY else MarketEvent.SellOrderCreated
        self.in_flight[order_id] = InFlightOrder(
            client_order_id=order_id,
            exchange_order_id=f"x{order_id}",
            trading_pair=pair,
            order_type=kind,
            trade_type=side,
            amount=Decimal(amount),
            price=price,
            creation_timestamp=at,
            initial_state=OrderState.OPEN,
        )
        self.trigger_event(tag, event(at, kind, pair, Decimal(amount), price, order_id, at, f"x{order_id}"))

    def fill(self, order_id, side, kind, pair, price, amount, fee, trade_id, at, position=PositionAction.NIL):
        self.trigger_event(
            MarketEvent.OrderFilled,
            OrderFilledEvent(
                at,
                order_id,
                pair,
                side,
                kind,
                Decimal(price),
                Decimal(amount),
                fee,
                trade_id,
                f"x{order_id}",
                1,
                position.value,
            ),
        )

    def complete(self, order_id, side, kind, pair, amount, cost, at):
        event = BuyOrderCompletedEvent if side is BUY else SellOrderCompletedEvent
        tag = MarketEvent.BuyOrderCompleted if side is BUY else MarketEvent.SellOrderCompleted
        base, quote = pair.split("-")
        self.trigger_event(tag, event(at, order_id, base, quote, Decimal(amount), Decimal(cost), kind, f"x{order_id}"))
        self.in_flight.pop(order_id, None)

    def cancel(self, order_id, at):
        self.trigger_event(MarketEvent.OrderCancelled, OrderCancelledEvent(at, order_id, f"x{order_id}"))
        self.in_flight.pop(order_id, None)


def flat(token, amount, percent_token=None):
    return AddedToCostTradeFee(percent_token=percent_token, flat_fees=[TokenAmount(token, Decimal(amount))])


def play(spot, perpetual):
    """What the tests know: a round trip, fees of all kinds, each end of an order, a coin of tiny price, funding."""
    at = iter(T0 + second for second in range(100))
    spot.create("B1", BUY, MAKER, "BTC-USDT", "0.03", "60000.1", next(at))
    spot.fill("B1", BUY, MAKER, "BTC-USDT", "60000.1", "0.012", flat("BNB", "0.00001234", "BNB"), "8001", next(at))
    spot.fill("B1", BUY, MAKER, "BTC-USDT", "60000.1", "0.018", flat("BNB", "0.00001851", "BNB"), "8002", next(at))
    spot.complete("B1", BUY, MAKER, "BTC-USDT", "0.03", "1800.003", next(at))
    spot.create("S1", SELL, LIMIT, "BTC-USDT", "0.03", "60100.1", next(at))
    spot.fill(
        "S1",
        SELL,
        LIMIT,
        "BTC-USDT",
        "60100.1",
        "0.03",
        DeductedFromReturnsTradeFee(flat_fees=[TokenAmount("USDT", Decimal("1.803003"))]),
        "8003",
        next(at),
    )
    spot.complete("S1", SELL, LIMIT, "BTC-USDT", "0.03", "1803.003", next(at))
    spot.create("B2", BUY, LIMIT, "BTC-USDT", "0.01", "59000", next(at))
    spot.cancel("B2", next(at))
    spot.create("B3", BUY, LIMIT, "BTC-USDT", "0.01", "59100", next(at))
    spot.trigger_event(MarketEvent.OrderExpired, OrderExpiredEvent(next(at), "B3"))
    del spot.in_flight["B3"]
    spot.create("B4", BUY, LIMIT, "BTC-USDT", "0.02", "58000.5", next(at))
    # A market order's fill may come before its creation, and such an order has no price.
    now = next(at)
    spot.fill(
        "M1", BUY, MARKET, "ETH-USDT", "3000", "0.5", DeductedFromReturnsTradeFee(percent=Decimal("0.001")), "9001", now
    )
    spot.create("M1", BUY, MARKET, "ETH-USDT", "0.5", "NaN", now)
    spot.complete("M1", BUY, MARKET, "ETH-USDT", "0.5", "1500", next(at))
    spot.create("S2", SELL, LIMIT, "ETH-USDT", "0.5", "3010", next(at))
    spot.fill(
        "S2", SELL, LIMIT, "ETH-USDT", "3010", "0.5", AddedToCostTradeFee(percent=Decimal("0.001")), "9002", next(at)
    )
    spot.complete("S2", SELL, LIMIT, "ETH-USDT", "0.5", "1505", next(at))
    spot.create("B5", BUY, LIMIT, "SHIB-USDT", "1000000", "0.00001234", next(at))
    spot.fill("B5", BUY, LIMIT, "SHIB-USDT", "0.00001234", "1000000", flat("USDT", "0.01234"), "7001", next(at))
    spot.complete("B5", BUY, LIMIT, "SHIB-USDT", "1000000", "12.34", next(at))
    now = next(at)
    spot.trigger_event(
        MarketEvent.OrderFailure, MarketOrderFailureEvent(now, "B6", LIMIT, "insufficient funds", "InsufficientFunds")
    )
    perpetual.create("P1", SELL, LIMIT, "BTC-USDT", "0.5", "60050", next(at))
    perpetual.fill(
        "P1", SELL, LIMIT, "BTC-USDT", "60050", "0.5", flat("USDT", "12.01"), "6001", next(at), PositionAction.OPEN
    )
    perpetual.complete("P1", SELL, LIMIT, "BTC-USDT", "0.5", "30025", next(at))
    perpetual.trigger_event(
        MarketEvent.FundingPaymentCompleted,
        FundingPaymentCompletedEvent(
            int(T0 + 60) * 1000, "binance_perpetual", "BTC-USDT", Decimal("-1.23456789"), Decimal("0.0001")
        ),
    )


def application(markets):
    """As much of the application as the gateway and the database ask for."""
    app = types.SimpleNamespace(
        ev_loop=asyncio.get_running_loop(), instance_id="maker-1", markets=markets, notifiers=[]
    )
    bridge = MQTTBridgeConfigMap(mqtt_port=PORT, mqtt_host="127.0.0.1", mqtt_commands=False)
    app.client_config_map = types.SimpleNamespace(db_mode=DBSqliteMode(), mqtt_bridge=bridge)
    app.logger = gateway_module.MQTTGateway.logger
    return app


async def listen(messages, ready):
    async with aiomqtt.Client("127.0.0.1", PORT) as client:
        await client.subscribe("hbot/#")
        ready.set()
        async for message in client.messages:
            messages.append({"topic": str(message.topic), "payload": json.loads(message.payload)})


async def main():
    messages, ready = [], asyncio.Event()
    listener = asyncio.create_task(listen(messages, ready))
    await ready.wait()
    spot, perpetual = Connector("binance"), Connector("binance_perpetual")
    app = application({"binance": spot, "binance_perpetual": perpetual})
    path = OUTPUT / "own.sqlite"
    path.unlink(missing_ok=True)
    sql = SQLConnectionManager(app.client_config_map, SQLConnectionType.TRADE_FILLS, db_path=str(path))
    recorder = recorder_module.MarketsRecorder(
        sql, [spot, perpetual], "conf_pure_mm_1.yml", "pure_market_making", MarketDataCollectionConfigMap()
    )
    recorder.__class__.db_timestamp = property(lambda _: int(T0 * 1000) + 99_000)  # else the clock of this machine
    recorder.start()
    gateway = gateway_module.MQTTGateway(app)
    gateway.patch_loggers = lambda: None
    gateway.start()
    gateway.start_market_events_fw()
    while not gateway.health:
        await asyncio.sleep(0.1)
    play(spot, perpetual)
    await asyncio.sleep(1)
    gateway.stop()
    listener.cancel()
    dump(path, messages)


def dump(path, messages):
    with sqlite3.connect(path) as connection:
        (OUTPUT / "hummingbot-20260922.sql").write_text("\n".join(connection.iterdump()) + "\n")
    path.unlink()
    lines = [json.dumps(message) for message in messages if not message["topic"].endswith("/log")]
    (OUTPUT / "hummingbot-20260922.jsonl").write_text("\n".join(lines) + "\n")


asyncio.run(main())
