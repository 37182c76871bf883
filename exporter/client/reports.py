"""The client: one method for each event, with an argument for each field."""

# ruff: noqa: PLR0913 - an event has as many fields as it has

from __future__ import annotations

import atexit
import functools
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self

from exporter.client.engine import Engine
from exporter.client.lines import Answer, Fees, Liquidity, Money, OrderStatus, Side
from exporter.client.settings import Settings, Statistics

_AT_EXIT = 3.0  # seconds that the end of a program waits for the exporter, over all clients
_clients: set[Client] = set()  # that are open: a bot may have let go of one whose reports are not sent yet
_now = time.time

P = ParamSpec("P")


def _harmless(report: Callable[P, None]) -> Callable[P, None]:
    """A report that never raises: a call that is wrong is counted and logged instead."""

    @functools.wraps(report)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            report(*args, **kwargs)
        except Exception as error:  # nothing that concerns reports may stop a bot
            client = args[0] if args else None
            if isinstance(client, Client):
                client._fault(f"{report.__name__}: {type(error).__name__}: {error}"[:500])

    return call


class Client:
    """Reports events to an exporter; usable from any thread, and from asyncio code.

    ``exchange``, ``account`` and ``strategy`` are those of all events that do not say otherwise. ``spool`` is a
    folder of this bot's own, in which fills, orders, funding, transfers, balances and positions wait until the
    exporter has them; it takes at most ``spool_bytes``, of 1 MB or more. Without one they wait in memory.
    ``sync_seconds`` is the longest time that an event is on disk but not safe from a power failure; 0 syncs each
    write. ``queue`` bounds the reports that the background thread has not taken yet. ``timeout`` is that of each
    step of a request; ``retry_seconds`` pass between tries while the exporter refuses what a person has to mend,
    such as the token.

    No method raises or blocks, but `flush` and `close`, which block for their timeout at most. In each report
    ``ts`` is the Unix time of the event in seconds, by default now; the other fields are those of the event in
    ``docs/client.md``.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        exchange: str = "",
        account: str = "default",
        strategy: str = "default",
        spool: str | os.PathLike[str] | None = None,
        spool_bytes: int = 256 * 1024 * 1024,
        sync_seconds: float = 1.0,
        queue: int = 100_000,
        timeout: float = 10.0,
        retry_seconds: float = 60.0,
    ) -> None:
        self._settings = Settings(
            url=url,
            token=token or "",
            defaults={"exchange": exchange, "account": account, "strategy": strategy},
            spool=_absolute(Path(spool)) if spool else None,
            spool_bytes=max(spool_bytes, 1024 * 1024),
            sync_seconds=sync_seconds,
            queue=queue,
            timeout=timeout,
            retry_seconds=retry_seconds,
        )
        self._begin()
        self._engine.start()
        _clients.add(self)

    @_harmless
    def fill(
        self,
        *,
        symbol: str,
        trade_id: str | int,
        side: Side,
        price: Money,
        quantity: Money,
        order_id: str | int = "",
        fee: Fees | None = None,
        liquidity: Liquidity = "unknown",
        contract_size: Money | None = None,
        decision_price: Money | None = None,
        exchange: str | None = None,
        account: str | None = None,
        strategy: str | None = None,
        ts: float | None = None,
    ) -> None:
        """One execution of an order.

        ``price`` is in the quote currency; ``quantity`` in the base currency, and for contracts in contracts of
        ``contract_size`` (1 unless given). ``fee`` is ``("BNB", "0.0001")``, or a list of such pairs; negative
        when it is a rebate. ``decision_price`` is the price on which the bot decided to trade.
        """
        self._take(
            "fill",
            {
                "exchange": exchange,
                "account": account,
                "strategy": strategy,
                "symbol": symbol,
                "trade_id": trade_id,
                "order_id": order_id,
                "side": side,
                "price": price,
                "quantity": quantity,
                "fee": list(fee) if isinstance(fee, list) else fee,
                "liquidity": liquidity,
                "contract_size": contract_size,
                "decision_price": decision_price,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def order(
        self,
        *,
        symbol: str,
        order_id: str | int,
        status: OrderStatus,
        side: Side,
        price: Money | None = None,
        quantity: Money | None = None,
        reason: str = "",
        sent_ts: float | None = None,
        ack_ts: float | None = None,
        decision_price: Money | None = None,
        exchange: str | None = None,
        account: str | None = None,
        strategy: str | None = None,
        ts: float | None = None,
    ) -> None:
        """The state of an order.

        ``reason`` says why it was rejected, as a short word such as ``post_only``. ``sent_ts`` and ``ack_ts``
        are the bot's own times of sending it and of the exchange's answer.
        """
        self._take(
            "order",
            {
                "exchange": exchange,
                "account": account,
                "strategy": strategy,
                "symbol": symbol,
                "order_id": order_id,
                "status": status,
                "side": side,
                "price": price,
                "quantity": quantity,
                "reason": reason,
                "sent_ts": sent_ts,
                "ack_ts": ack_ts,
                "decision_price": decision_price,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def quote(
        self,
        *,
        symbol: str,
        bid: Money | None = None,
        bid_quantity: Money | None = None,
        ask: Money | None = None,
        ask_quantity: Money | None = None,
        exchange: str | None = None,
        account: str | None = None,
        strategy: str | None = None,
        ts: float | None = None,
    ) -> None:
        """Our own best bid and ask from ``ts`` on, until the next one; None where we do not quote a side."""
        self._take(
            "quote",
            {
                "exchange": exchange,
                "account": account,
                "strategy": strategy,
                "symbol": symbol,
                "bid": bid,
                "bid_quantity": bid_quantity,
                "ask": ask,
                "ask_quantity": ask_quantity,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def book(
        self,
        *,
        symbol: str,
        bid: Money | None = None,
        bid_quantity: Money | None = None,
        ask: Money | None = None,
        ask_quantity: Money | None = None,
        exchange: str | None = None,
        ts: float | None = None,
    ) -> None:
        """The best bid and ask of a market, without our own orders where that is known."""
        self._take(
            "book",
            {
                "exchange": exchange,
                "symbol": symbol,
                "bid": bid,
                "bid_quantity": bid_quantity,
                "ask": ask,
                "ask_quantity": ask_quantity,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def funding(
        self,
        *,
        symbol: str,
        funding_id: str | int,
        currency: str,
        amount: Money,
        exchange: str | None = None,
        account: str | None = None,
        strategy: str | None = None,
        ts: float | None = None,
    ) -> None:
        """A funding payment of a perpetual contract: positive when received, negative when paid."""
        self._take(
            "funding",
            {
                "exchange": exchange,
                "account": account,
                "strategy": strategy,
                "symbol": symbol,
                "funding_id": funding_id,
                "currency": currency,
                "amount": amount,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def transfer(
        self,
        *,
        transfer_id: str | int,
        currency: str,
        amount: Money,
        exchange: str | None = None,
        account: str | None = None,
        ts: float | None = None,
    ) -> None:
        """Money that came into the account (positive) or left it (negative) other than by trading."""
        self._take(
            "transfer",
            {
                "exchange": exchange,
                "account": account,
                "transfer_id": transfer_id,
                "currency": currency,
                "amount": amount,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def balance(
        self,
        *,
        currency: str,
        total: Money,
        exchange: str | None = None,
        account: str | None = None,
        ts: float | None = None,
    ) -> None:
        """What the account holds of one currency, as the exchange says, locked amounts included."""
        self._take(
            "balance",
            {
                "exchange": exchange,
                "account": account,
                "currency": currency,
                "total": total,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def position(
        self,
        *,
        symbol: str,
        quantity: Money,
        contract_size: Money | None = None,
        exchange: str | None = None,
        account: str | None = None,
        ts: float | None = None,
    ) -> None:
        """The position in a contract, as the exchange says: in contracts, negative when short."""
        self._take(
            "position",
            {
                "exchange": exchange,
                "account": account,
                "symbol": symbol,
                "quantity": quantity,
                "contract_size": contract_size,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def request(
        self, *, route: str, status: int, duration: float, app: str = "default", ts: float | None = None
    ) -> None:
        """A request that the bot's own API answered, after ``duration`` seconds.

        ``route`` is the pattern of the path, such as ``/orders/{id}``, never the path itself.
        """
        fields = {"app": app, "route": route, "status": status, "duration": duration}
        self._take("request", {**fields, "ts": _now() if ts is None else ts})

    @_harmless
    def cache(
        self,
        *,
        cache: str,
        hits: int,
        misses: int,
        tier: str = "l1",
        evictions: int | None = None,
        entries: int | None = None,
        memory_bytes: int | None = None,
        memory_limit_bytes: int | None = None,
        warmed_entries: int | None = None,
        warmed_hits: int | None = None,
        ts: float | None = None,
    ) -> None:
        """What a cache in the bot's own memory counted since it began, to be told every few seconds.

        ``warmed_entries`` counts what was put in before anybody asked for it, ``warmed_hits`` those of these that
        were asked for since, each once.
        """
        self._take(
            "cache",
            {
                "cache": cache,
                "tier": tier,
                "hits": hits,
                "misses": misses,
                "evictions": evictions,
                "entries": entries,
                "memory_bytes": memory_bytes,
                "memory_limit_bytes": memory_limit_bytes,
                "warmed_entries": warmed_entries,
                "warmed_hits": warmed_hits,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def prediction(
        self,
        *,
        model: str,
        value: Answer | None = None,
        prediction_id: str | int = "",
        inference_seconds: float | None = None,
        features: Mapping[str, float] | None = None,
        ts: float | None = None,
    ) -> None:
        """What a model said, a number or the name of a class, and what it was told; all of it is watched for drift.

        With ``prediction_id``, which `outcome` then names, it is also held against what came true.
        """
        self._take(
            "prediction",
            {
                "model": model,
                "value": value,
                "prediction_id": prediction_id,
                "inference_seconds": inference_seconds,
                "features": dict(features) if features else None,
                "ts": _now() if ts is None else ts,
            },
        )

    @_harmless
    def outcome(
        self,
        *,
        model: str,
        value: Answer,
        prediction_id: str | int = "",
        predicted: Answer | None = None,
        ts: float | None = None,
    ) -> None:
        """What came true of a prediction: of the one with this id, or of ``predicted``."""
        fields = {"model": model, "value": value, "prediction_id": prediction_id, "predicted": predicted}
        self._take("outcome", {**fields, "ts": _now() if ts is None else ts})

    @_harmless
    def business(
        self, *, name: str, value: float, kind: Literal["level", "increment"] = "level", ts: float | None = None
    ) -> None:
        """A figure of the business: its present level, or the increment of a sum."""
        self._take("business", {"name": name, "value": value, "kind": kind, "ts": _now() if ts is None else ts})

    def flush(self, timeout: float = 5.0, *, to_disk: bool = False) -> bool:
        """Wait until nothing that was reported before is on its way any more; False when that took too long.

        With ``to_disk`` until it is either with the exporter or in the spool, safe from a power failure: books
        and quotes, which are never spooled, do not count then. In asyncio code:
        ``await asyncio.to_thread(reports.flush)``.
        """
        return self._engine.flush(timeout, to_disk=to_disk)

    def close(self, timeout: float = 5.0) -> None:
        """Send what is waiting, end the threads and give the spool back.

        When the exporter is away it does not wait for it: what is in the spool is sent by the next client on
        that folder. What is reported after this is lost, and counted. A client that is never closed keeps its
        threads until the program ends.
        """
        self._engine.close(timeout)
        _clients.discard(self)

    @property
    def statistics(self) -> Statistics:
        """What became of the reports."""
        return self._engine.statistics()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        self._engine = Engine(self._settings)
        self._take: Callable[[str, dict[str, Any]], None] = self._engine.take

    def _fault(self, words: str) -> None:
        self._engine.fault(words)

    def _forked(self) -> None:
        """In the child: a machine of its own, which starts with its first report."""
        parents = self._engine
        is_open = parents.is_open
        self._begin()
        self._engine.is_open = is_open
        parents.abandon()


def _absolute(path: Path) -> Path:
    """So that a bot may change its working directory."""
    with suppress(OSError):  # when the present one was deleted
        return path.absolute()
    return path


def _after_fork() -> None:
    for client in list(_clients):
        client._forked()


def _at_exit() -> None:
    deadline = time.monotonic() + _AT_EXIT
    for client in list(_clients):
        client.close(max(0.0, deadline - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
