"""Binance spot's words: JSON shapes and error codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from simulator.engine.account import Account
from simulator.engine.fees import FeeSchedule
from simulator.engine.instruments import Instrument, text
from simulator.engine.money import Movement
from simulator.engine.orders import (
    ZERO,
    Fill,
    Kind,
    Levels,
    Order,
    OrderChanged,
    Publication,
    Reason,
    Side,
    TradePrinted,
)
from simulator.web.dialect import Json

BAD_KEY = (-2015, "Invalid API-key, IP, or permissions for action.")
BAD_SIGNATURE = (-1022, "Signature for this request is not valid.")
BAD_TIMESTAMP = (-1021, "Timestamp for this request is outside of the recvWindow.")
TOO_MANY_REQUESTS = (-1003, "Too much request weight used; please use WebSocket Streams for live updates.")
MAINTENANCE = (1, "System is under maintenance.")
UNKNOWN_ERROR = (-1000, "An unknown error occurred while processing the request.")

REFUSALS: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Reason.PRICE: (-1013, "Filter failure: PRICE_FILTER"),
    Reason.QUANTITY: (-1013, "Filter failure: LOT_SIZE"),
    Reason.NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    Reason.INSUFFICIENT: (-2010, "Account has insufficient balance for requested action."),
    Reason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Reason.DUPLICATE: (-2010, "Duplicate order sent."),
    Reason.NO_LIQUIDITY: (-2010, "Market has no orders on the opposite side."),
    Reason.UNKNOWN_ORDER: (-2013, "Order does not exist."),
}
REJECT_WORDS: dict[Reason | None, str] = {
    None: "NONE",
    Reason.INSUFFICIENT: "INSUFFICIENT_BALANCES",
    Reason.WOULD_TAKE: "WOULD_MATCH_IMMEDIATELY",
    Reason.DUPLICATE: "DUPLICATE_ORDER",
    Reason.NO_LIQUIDITY: "NO_OPPOSING_ORDERS",
}
CANCEL_UNKNOWN = (-2011, "Unknown order sent.")


@dataclass
class Refused(Exception):  # noqa: N818 - an answer of the exchange, not a defect
    """A request that is answered with an error of the dialect."""

    code: int
    message: str
    status: int = 400

    def body(self) -> Json:
        """Return the error as the exchange writes it."""
        return {"code": self.code, "msg": self.message}


def missing(name: str) -> Refused:
    """Return the answer to a request without a mandatory parameter."""
    return Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


# -- REST shapes


def exchange_info(instruments: Iterable[Instrument], now: int, weight_limit: int) -> Json:
    """Return ``exchangeInfo``."""
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight_limit}
    symbols = [_symbol_info(instrument) for instrument in instruments]
    return {
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [limit],
        "exchangeFilters": [],
        "symbols": symbols,
    }


def _symbol_info(instrument: Instrument) -> Json:
    tick, lot = text(instrument.tick), text(instrument.lot)
    return {
        "symbol": instrument.market_id,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [str(kind) for kind in Kind],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000000.00000000", "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": text(instrument.min_notional), "applyMinToMarket": True},
        ],
    }


def levels(pairs: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Return book levels as [[price, quantity], ...]."""
    return [[text(price), text(quantity)] for price, quantity in pairs]


def book_ticker(symbol: str, publication: Publication) -> Json:
    """Return ``ticker/bookTicker`` of one symbol."""
    (bid, bid_quantity), (ask, ask_quantity) = publication.best_bid, publication.best_ask
    return {
        "symbol": symbol,
        "bidPrice": text(bid),
        "bidQty": text(bid_quantity),
        "askPrice": text(ask),
        "askQty": text(ask_quantity),
    }


def public_trade(trade: TradePrinted) -> Json:
    """Return one entry of ``trades``."""
    return {
        "id": trade.trade_id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity),
        "time": trade.time,
        "isBuyerMaker": trade.aggressor is Side.SELL,
        "isBestMatch": True,
    }


def aggregate_trade(trade: TradePrinted) -> Json:
    """Return one entry of ``aggTrades``: trades are not aggregated here, each stands for itself."""
    return {
        "a": trade.trade_id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.time,
        "m": trade.aggressor is Side.SELL,
        "M": True,
    }


def account(holdings: Account, fees: FeeSchedule, now: int) -> Json:
    """Return ``account``."""
    balances = [
        {"asset": asset, "free": text(holdings.free(asset)), "locked": text(holdings.locked(asset))}
        for asset in holdings.assets()
    ]
    rates = {"maker": text(fees.maker), "taker": text(fees.taker), "buyer": "0", "seller": "0"}
    return {
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "updateTime": now,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 1,
    }


def order(instrument: Instrument, item: Order) -> Json:
    """Return an order as GET ``order`` and ``openOrders`` do."""
    request = item.request
    return {
        "symbol": instrument.market_id,
        "orderId": item.id,
        "orderListId": -1,
        "clientOrderId": request.client_id,
        "price": text(request.price),
        "origQty": text(request.quantity),
        "executedQty": text(item.filled),
        "cummulativeQuoteQty": text(item.quote_filled),
        "origQuoteOrderQty": text(request.quote_quantity),
        "status": str(item.status),
        "timeInForce": str(request.time_in_force),
        "type": str(request.kind),
        "side": request.side.upper(),
        "stopPrice": "0",
        "icebergQty": "0",
        "time": item.created,
        "updateTime": item.updated,
        "workingTime": item.created,
        "isWorking": True,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def placed(instrument: Instrument, item: Order) -> Json:
    """Return the full answer to a new order, with its immediate fills."""
    fills = [
        {
            "price": text(fill.price),
            "qty": text(fill.quantity),
            "commission": text(fill.commission),
            "commissionAsset": fill.commission_asset,
            "tradeId": fill.trade_id,
        }
        for fill in item.fills
    ]
    return {**order(instrument, item), "transactTime": item.updated, "fills": fills}


def canceled(instrument: Instrument, item: Order, client_id: str) -> Json:
    """Return the answer to a cancellation."""
    answer = order(instrument, item)
    return {**answer, "origClientOrderId": item.request.client_id, "clientOrderId": client_id}


def my_trade(instrument: Instrument, fill: Fill) -> Json:
    """Return one entry of ``myTrades``."""
    return {
        "symbol": instrument.market_id,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "quoteQty": text(fill.notional),
        "commission": text(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def deposit(movement: Movement) -> Json:
    """Return one entry of ``capital/deposit/hisrec``."""
    return {
        "id": str(movement.id),
        "amount": text(movement.amount),
        "coin": movement.asset,
        "network": movement.asset,
        "status": 1 if movement.is_done else 0,
        "address": "simulated",
        "txId": f"simulated-{movement.id}",
        "insertTime": movement.time,
        "transferType": 0,
    }


def withdrawal(movement: Movement) -> Json:
    """Return one entry of ``capital/withdraw/history``: what arrives, with the fee beside it."""
    applied = datetime.fromtimestamp(movement.time / 1000, UTC)
    return {
        "id": str(movement.id),
        "amount": text(-movement.amount),
        "transactionFee": text(movement.fee),
        "coin": movement.asset,
        "network": movement.asset,
        "status": 6 if movement.is_done else 4,
        "address": "simulated",
        "txId": f"simulated-{movement.id}",
        "applyTime": f"{applied:%Y-%m-%d %H:%M:%S}",
        "transferType": 0,
    }


def transfer(movement: Movement, kind: str) -> Json:
    """Return one row of ``asset/transfer``."""
    return {
        "asset": movement.asset,
        "amount": text(abs(movement.amount)),
        "type": kind,
        "status": "CONFIRMED" if movement.is_done else "PENDING",
        "tranId": movement.id,
        "timestamp": movement.time,
    }


# -- stream shapes


def depth_update(market_id: str, publication: Publication) -> Json:
    """Return the message of ``<symbol>@depth@100ms``."""

    def side(changes: Levels) -> list[list[str]]:
        return levels(changes)

    return {
        "e": "depthUpdate",
        "E": publication.time,
        "s": market_id,
        "U": publication.first_update,
        "u": publication.last_update,
        "b": side(publication.bids),
        "a": side(publication.asks),
    }


def stream_book_ticker(market_id: str, publication: Publication) -> Json:
    """Return the message of ``<symbol>@bookTicker``; it carries no time, as on the real exchange."""
    (bid, bid_quantity), (ask, ask_quantity) = publication.best_bid, publication.best_ask
    return {
        "u": publication.last_update,
        "s": market_id,
        "b": text(bid),
        "B": text(bid_quantity),
        "a": text(ask),
        "A": text(ask_quantity),
    }


def stream_trade(market_id: str, trade: TradePrinted) -> Json:
    """Return the message of ``<symbol>@trade``."""
    return {
        "e": "trade",
        "E": trade.time,
        "s": market_id,
        "t": trade.trade_id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "T": trade.time,
        "m": trade.aggressor is Side.SELL,
        "M": True,
    }


def stream_aggregate_trade(market_id: str, trade: TradePrinted) -> Json:
    """Return the message of ``<symbol>@aggTrade``."""
    return {"e": "aggTrade", "E": trade.time, "s": market_id, **aggregate_trade(trade)}


def execution_report(instrument: Instrument, change: OrderChanged) -> Json:
    """Return the private event for a change of an order."""
    item, fill = change.order, change.fill
    request = item.request
    return {
        "e": "executionReport",
        "E": change.time,
        "s": instrument.market_id,
        "c": request.client_id,
        "S": request.side.upper(),
        "o": str(request.kind),
        "f": str(request.time_in_force),
        "q": text(request.quantity),
        "p": text(request.price),
        "P": "0",
        "F": "0",
        "g": -1,
        "C": request.client_id if change.execution == "CANCELED" else "",
        "x": change.execution,
        "X": str(item.status),
        "r": REJECT_WORDS.get(change.reason, "NONE"),
        "i": item.id,
        "l": text(fill.quantity if fill else ZERO),
        "z": text(item.filled),
        "L": text(fill.price if fill else ZERO),
        "n": text(fill.commission if fill else ZERO),
        "N": fill.commission_asset if fill else None,
        "T": change.time,
        "t": fill.trade_id if fill else -1,
        "w": item.status.is_open,
        "m": fill.is_maker if fill else False,
        "O": item.created,
        "Z": text(item.quote_filled),
        "Y": text(fill.notional if fill else ZERO),
        "Q": text(request.quote_quantity),
        "V": "EXPIRE_MAKER",
    }


def account_position(holdings: Account, assets: Iterable[str], time: int) -> Json:
    """Return the private event for changed balances."""
    balances = [{"a": asset, "f": text(holdings.free(asset)), "l": text(holdings.locked(asset))} for asset in assets]
    return {"e": "outboundAccountPosition", "E": time, "u": time, "B": balances}
