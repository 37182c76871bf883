"""What a bot imports to report its events to the exporter: the standard library only.

    from exporter.client import Client

    reports = Client("http://127.0.0.1:9850", token=…, exchange="binance", account="main", spool="/var/lib/bot/spool")
    reports.fill(symbol="BTC/USDT", trade_id="812", side="buy", price="60000.10", quantity="0.012")

A report costs the bot a few microseconds: it is put into a queue, from which two background threads write it
to the spool and send it. Nothing here blocks the bot or raises into it; see ``docs/client.md``.
"""

from exporter.client.lines import Fees, Liquidity, Money, OrderStatus, Side
from exporter.client.reports import Client
from exporter.client.settings import Statistics

__all__ = ["Client", "Fees", "Liquidity", "Money", "OrderStatus", "Side", "Statistics"]
