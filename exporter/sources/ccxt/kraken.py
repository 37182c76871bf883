"""What ccxt's ``kraken`` leaves to be done; mixed in between our ears and ccxt's class."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from ccxt.base.errors import AuthenticationError, ExchangeError, NetworkError

_ENDED = {"filled", "canceled", "expired"}
_SESSION_REFUSED = "ESession:"


class Kraken:
    """Overrides of methods of ccxt's ``kraken``, hence the untyped supers.

    The messages about an order say which one it is, and only the first of them says all about it. Executions
    and other reports may come in one frame, which ccxt takes for the kind of its first entry. A refused
    subscription wakes nobody. Numbers have more digits than a float. The record of trades comes in pages of all
    symbols, of which ccxt then shows one symbol's.
    """

    whole_history = True

    clients: dict[str, Any] | None
    exceptions: dict[str, Any]
    secret: str
    id: str
    _orders: dict[str, dict[str, Any]] | None = None  # what was said of each open order when it was placed

    def sign(self, path: str, api: Sequence[str] = ("public",), *rest: Any, **named: Any) -> Any:
        """Sign a request; a secret that cannot be one is refused as a wrong one is."""
        if "private" in api:
            try:
                base64.b64decode(self.secret or "", validate=True)
            except binascii.Error:
                text = "the secret is not base64; copy it as the exchange shows it"
                raise AuthenticationError(f"{self.id}: {text}") from None
        return super().sign(path, api, *rest, **named)  # type: ignore[misc]  # ccxt's class comes behind this one

    def describe(self) -> Any:
        """ccxt's description, with the one error of a wrong secret that it does not list."""
        return super().deep_extend(  # type: ignore[misc]  # as above
            super().describe(),  # type: ignore[misc]  # as above
            {"exceptions": {"exact": {"EAPI:Invalid signature": AuthenticationError}}},
        )

    async def privatePostTradesHistory(self, params: Mapping[str, Any] = MappingProxyType({})) -> Any:  # noqa: N802 - ccxt's
        """All pages of the record; a trade that comes meanwhile moves some entries to the next page, but loses none."""
        request = super().privatePostTradesHistory  # type: ignore[misc]  # as above
        answer = await request(dict(params))
        trades, count = answer["result"]["trades"], int(answer["result"]["count"])
        while len(trades) < count:
            page = (await request({**params, "ofs": len(trades)}))["result"]["trades"]
            if page.keys() <= trades.keys():
                break
            trades.update(page)
        return answer

    def parse_ws_trade(self, trade: dict[str, Any], market: Any = None) -> Any:
        """An execution as ccxt reads it. Its fee is left to the record where the two value it differently.

        The record has all fees in quote currency, also those that were taken in another one.
        """
        parsed = super().parse_ws_trade(trade, market)  # type: ignore[misc]  # as above
        fee = parsed.get("fee") or {}
        if fee.get("currency") != str(parsed.get("symbol")).partition("/")[2]:
            parsed["fee"] = None
        return parsed

    def client(self, url: str) -> Any:
        """The WebSocket client for a URL, made to keep every digit when it is new."""
        is_new = url not in (self.clients or {})
        client = super().client(url)  # type: ignore[misc]  # as above
        if is_new:
            client.handle_text_or_binary_message = partial(_decode, client)
        return client

    def handle_message(self, client: Any, message: Any) -> None:
        """Take a message apart so that ccxt reads each part for what it is."""
        if message.get("channel") == "executions":
            for part in self._parts(message):
                super().handle_message(client, part)  # type: ignore[misc]  # as above
        elif message.get("method") == "subscribe" and message.get("success") is False:
            self._refused(client, message)
        else:
            super().handle_message(client, message)  # type: ignore[misc]  # as above

    def _parts(self, message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Executions and reports of orders, each on their own; the history has the executions of a snapshot."""
        reports = message.get("data") or []
        is_snapshot = message.get("type") == "snapshot"
        if is_snapshot:
            self._orders = {}  # it has all that are open
        trades = [report for report in reports if report.get("exec_type") == "trade"]
        orders = [self._completed(report) for report in reports if report.get("exec_type") != "trade"]
        known = [order for order in orders if order.get("symbol")]
        if trades and not is_snapshot:
            yield {**message, "data": trades}
        if known:
            yield {**message, "data": known}

    def _completed(self, report: dict[str, Any]) -> dict[str, Any]:
        if self._orders is None:
            self._orders = {}
        order_id = str(report.get("order_id"))
        completed = {**self._orders.get(order_id, {}), **report}
        if completed.get("order_status") in _ENDED:
            self._orders.pop(order_id, None)
        elif report.get("symbol"):
            self._orders[order_id] = report
        return completed

    def _refused(self, client: Any, message: Mapping[str, Any]) -> None:
        """Let whoever waits for a subscription know that it was refused."""
        text = str(message.get("error"))
        if text.startswith(_SESSION_REFUSED):  # the token is no longer good, which says nothing of the keys
            client.on_error(NetworkError(f"{self.id}: {text}; asking for a new session"))
            return
        broad = self.exceptions["ws"]["broad"]
        kind = next((error for words, error in broad.items() if words in text), ExchangeError)
        error, book = kind(f"{self.id}: {text}"), f"orderbook@{message.get('symbol')}"
        if book in client.futures:
            client.subscriptions.pop(book, None)
            client.reject(error, book)
        else:
            client.on_error(error)


def _decode(client: Any, data: str | bytes) -> None:
    """Decode a frame as ccxt does, but with fractions as the text that was sent."""
    client.on_message_callback(client, json.loads(data, parse_float=str))
