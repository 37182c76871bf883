"""Binance futures' words: what differs from spot in JSON shapes and error codes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from simulator.dialects.binance import words as spot
from simulator.engine.exchange import Exchange
from simulator.engine.instruments import Instrument, text
from simulator.engine.money import Movement, MovementKind
from simulator.engine.orders import ZERO, Fill, Kind, Order, OrderChanged, Publication, Reason, Side
from simulator.engine.positions import Position, to_wallet
from simulator.web.dialect import Json

REFUSALS = {
    **spot.REFUSALS,
    Reason.INSUFFICIENT: (-2019, "Margin is insufficient."),
    Reason.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    Reason.NOTIONAL: (-4164, "Order's notional must be no smaller than the minimum (unless you choose reduce only)."),
}
NEVER = 4133404800000
"""The delivery date of a perpetual contract."""


def exchange_info(instruments: Iterable[Instrument], now: int, weight_limit: int) -> Json:
    """Return ``exchangeInfo``."""
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight_limit}
    return {
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [limit],
        "exchangeFilters": [],
        "assets": [],
        "symbols": [_symbol_info(instrument) for instrument in instruments],
    }


def _symbol_info(instrument: Instrument) -> Json:
    tick, lot = text(instrument.tick), text(instrument.lot)
    size: Json = {"contractSize": int(instrument.contract_size)} if instrument.is_inverse else {}
    return {
        **size,
        "symbol": instrument.market_id,
        "pair": instrument.base + instrument.quote,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER,
        "onboardDate": 1569398400000,
        "contractStatus" if instrument.is_inverse else "status": "TRADING",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle,
        "pricePrecision": _digits(instrument.tick),
        "quantityPrecision": _digits(instrument.lot),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "4529764", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "1000000", "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": "1000000", "stepSize": lot},
            {"filterType": "MIN_NOTIONAL", "notional": text(instrument.min_notional)},
        ],
    }


def _digits(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


def order(instrument: Instrument, item: Order) -> Json:
    """Return an order."""
    request = item.request
    average = item.quote_filled / item.filled / instrument.contract_size if item.filled else ZERO
    filled: Json = {"cumBase": text(ZERO)} if instrument.is_inverse else {"cumQuote": text(item.quote_filled)}
    return {
        **filled,
        "symbol": instrument.market_id,
        "orderId": item.id,
        "clientOrderId": request.client_id,
        "price": text(request.price),
        "avgPrice": text(request.price if instrument.is_inverse else average),
        "origQty": text(request.quantity),
        "executedQty": text(item.filled),
        "status": _status(item),
        "timeInForce": _time_in_force(item),
        "type": _type(item),
        "origType": _type(item),
        "side": request.side.upper(),
        "positionSide": "BOTH",
        "reduceOnly": False,
        "closePosition": False,
        "stopPrice": "0",
        "time": item.created,
        "updateTime": item.updated,
    }


def _status(item: Order) -> str:
    """There is one word for all that expires."""
    return "EXPIRED" if item.status.startswith("EXPIRED") else str(item.status)


def _type(item: Order) -> str:
    return "LIMIT" if item.request.kind is Kind.LIMIT_MAKER else str(item.request.kind)


def _time_in_force(item: Order) -> str:
    return "GTX" if item.request.kind is Kind.LIMIT_MAKER else str(item.request.time_in_force)


def user_trade(instrument: Instrument, fill: Fill) -> Json:
    """Return one entry of ``userTrades``."""
    if instrument.is_inverse:
        base = to_wallet(Fraction(fill.notional) / Fraction(fill.price))
        worth: Json = {"baseQty": text(base), "pair": instrument.base + instrument.quote}
    else:
        worth = {"quoteQty": text(fill.notional)}
    return {
        **worth,
        "symbol": instrument.market_id,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side.upper(),
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "realizedPnl": text(fill.realized),
        "marginAsset": instrument.settle,
        "commission": text(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time,
        "positionSide": "BOTH",
        "buyer": fill.side is Side.BUY,
        "maker": fill.is_maker,
    }


# -- what the account has


def unrealized(exchange: Exchange, symbol: str) -> Decimal:
    """Return what closing a position at the mid would realise, in the settlement currency."""
    held, instrument = exchange.positions[symbol], exchange.instruments[symbol]
    worth = instrument.worth(exchange.publications[symbol].mid)
    return to_wallet(Fraction(held.quantity) * worth - held.cost)


def entry_price(instrument: Instrument, held: Position) -> Decimal:
    """Return the average entry price, 0 when flat."""
    if not held.quantity:
        return ZERO
    size = Fraction(held.quantity) * Fraction(instrument.contract_size)
    return to_wallet(-size / held.cost if instrument.is_inverse else held.cost / size)


def account(exchange: Exchange, now: int) -> Json:
    """Return ``account``: per asset the wallet, and beside it what it would be with open results."""
    return {
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "assets": [_asset(exchange, asset, now) for asset in exchange.account.assets()],
        "positions": [_account_position(exchange, symbol) for symbol in exchange.positions],
    }


def _asset(exchange: Exchange, asset: str, now: int) -> Json:
    symbols = [symbol for symbol in exchange.positions if exchange.instruments[symbol].settle == asset]
    wallet, open_result = exchange.account.total(asset), sum((unrealized(exchange, s) for s in symbols), ZERO)
    return {
        "asset": asset,
        "walletBalance": text(wallet),
        "unrealizedProfit": text(open_result),
        "marginBalance": text(wallet + open_result),
        "maintMargin": "0.00000000",
        "initialMargin": "0.00000000",
        "positionInitialMargin": "0.00000000",
        "openOrderInitialMargin": "0.00000000",
        "crossWalletBalance": text(wallet),
        "crossUnPnl": text(open_result),
        "availableBalance": text(wallet + open_result),
        "maxWithdrawAmount": text(wallet),
        "updateTime": now,
    }


def _account_position(exchange: Exchange, symbol: str) -> Json:
    held, instrument = exchange.positions[symbol], exchange.instruments[symbol]
    return {
        "symbol": instrument.market_id,
        "positionSide": "BOTH",
        "positionAmt": text(held.quantity),
        "entryPrice": text(entry_price(instrument, held)),
        "unrealizedProfit": text(unrealized(exchange, symbol)),
        "leverage": "20",
        "isolated": False,
        "initialMargin": "0",
        "maintMargin": "0",
        "updateTime": held.updated,
    }


def balance(exchange: Exchange, asset: str, now: int) -> Json:
    """Return one entry of ``balance``."""
    told = _asset(exchange, asset, now)
    return {**told, "accountAlias": "simulated", "balance": told["walletBalance"]}


def position_risk(exchange: Exchange, symbol: str) -> Json:
    """Return one entry of ``positionRisk``."""
    held, instrument = exchange.positions[symbol], exchange.instruments[symbol]
    mark = exchange.publications[symbol].mid
    worth = to_wallet(Fraction(held.quantity) * abs(instrument.worth(mark)))
    kind: Json = {"notionalValue": text(worth), "marginType": "cross"} if instrument.is_inverse else {}
    return {
        **(kind or {"notional": text(worth)}),
        "symbol": instrument.market_id,
        "positionSide": "BOTH",
        "positionAmt": text(held.quantity),
        "entryPrice": text(entry_price(instrument, held)),
        "breakEvenPrice": text(entry_price(instrument, held)),
        "markPrice": text(mark),
        "unRealizedProfit": text(unrealized(exchange, symbol)),
        "liquidationPrice": "0",
        "leverage": "20",
        "isolatedMargin": "0",
        "isolatedWallet": "0",
        "marginAsset": instrument.settle,
        "initialMargin": "0",
        "maintMargin": "0",
        "updateTime": held.updated,
    }


def movement_income(exchange: Exchange, movement: Movement) -> Json:
    """Return the entry of ``income`` for money that moved other than by trading."""
    is_funding = movement.kind is MovementKind.FUNDING
    symbol = exchange.instruments[movement.symbol].market_id if movement.symbol else ""
    kind = "FUNDING_FEE" if is_funding else "TRANSFER"
    return _income(symbol, kind, movement.amount - movement.fee, movement.asset, movement.time, movement.id)


def fill_income(instrument: Instrument, fill: Fill) -> list[Json]:
    """Return the entries of ``income`` for a fill."""
    at = (fill.time, fill.trade_id, str(fill.trade_id))
    entries = [_income(instrument.market_id, "COMMISSION", -fill.commission, fill.commission_asset, *at)]
    if fill.realized:
        entries.append(_income(instrument.market_id, "REALIZED_PNL", fill.realized, instrument.settle, *at))
    return entries


def _income(  # noqa: PLR0913, PLR0917 - an entry has so many parts
    symbol: str, kind: str, amount: Decimal, asset: str, time: int, number: int, trade: str = ""
) -> Json:
    return {
        "symbol": symbol,
        "incomeType": kind,
        "income": text(amount),
        "asset": asset,
        "info": kind,
        "time": time,
        "tranId": number,
        "tradeId": trade,
    }


def leverage_bracket(instrument: Instrument) -> Json:
    """Return one entry of ``leverageBracket``."""
    floor = "qtyFloor" if instrument.is_inverse else "notionalFloor"
    bracket = {"bracket": 1, "initialLeverage": 20, floor: 0, "maintMarginRatio": 0.02, "cum": 0.0}
    return {"symbol": instrument.market_id, "brackets": [bracket]}


# -- stream shapes


def depth_update(instrument: Instrument, publication: Publication) -> Json:
    """Return the message of ``<symbol>@depth@100ms``, which also says which update it follows."""
    told = spot.depth_update(instrument.market_id, publication)
    return {**told, "T": publication.time, "pu": publication.first_update - 1}


def book_ticker(instrument: Instrument, publication: Publication) -> Json:
    """Return the message of ``<symbol>@bookTicker``."""
    told = spot.stream_book_ticker(instrument.market_id, publication)
    return {**told, "e": "bookTicker", "E": publication.time, "T": publication.time}


def order_trade_update(instrument: Instrument, change: OrderChanged) -> Json:
    """Return the private event for a change of an order."""
    item, fill = change.order, change.fill
    request = item.request
    charged: Json = {"n": text(fill.commission), "N": fill.commission_asset} if fill else {}
    told: Json = {
        "s": instrument.market_id,
        "c": request.client_id,
        "S": request.side.upper(),
        "o": _type(item),
        "f": _time_in_force(item),
        "q": text(request.quantity),
        "p": text(request.price),
        "ap": "0",
        "sp": "0",
        "x": change.execution,
        "X": _status(item),
        "i": item.id,
        "l": text(fill.quantity if fill else ZERO),
        "z": text(item.filled),
        "L": text(fill.price if fill else ZERO),
        **charged,
        "T": change.time,
        "t": fill.trade_id if fill else 0,
        "b": "0",
        "a": "0",
        "m": fill.is_maker if fill else False,
        "R": False,
        "wt": "CONTRACT_PRICE",
        "ot": _type(item),
        "ps": "BOTH",
        "cp": False,
        "rp": text(fill.realized if fill else ZERO),
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": change.time, "T": change.time, "o": told}


def account_update(exchange: Exchange, assets: Iterable[str], time: int) -> Json:
    """Return the private event for changed balances and positions."""
    balances = [{"a": a, "wb": text(exchange.account.total(a)), "cw": "0", "bc": "0"} for a in assets]
    positions = [
        {
            "s": exchange.instruments[symbol].market_id,
            "pa": text(held.quantity),
            "ep": text(entry_price(exchange.instruments[symbol], held)),
            "cr": "0",
            "up": text(unrealized(exchange, symbol)),
            "mt": "cross",
            "iw": "0",
            "ps": "BOTH",
        }
        for symbol, held in exchange.positions.items()
    ]
    return {"e": "ACCOUNT_UPDATE", "E": time, "T": time, "a": {"m": "ORDER", "B": balances, "P": positions}}
