"""Records what freqtrade says, for the quick tests: ``python -m tests.bots.freqtrade.record``.

Each file of ``tests/sources/freqtrade/recorded/`` is one run: pages that never change, and the moments at which
``/status`` or ``/trades`` changed, each with both pages and the messages that the stream sent until then.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from simulator import server
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.stack.ports import free_port
from simulator.stack.processes import ROOT, Stack
from tests.bots.freqtrade.program import PAIRS, WS_TOKEN, Bot, component

FOLDER = ROOT / "tests" / "sources" / "freqtrade" / "recorded"
RUNS = {
    "dry-run": (True, FeeAsset.QUOTE),
    "live-fees-in-bnb": (False, FeeAsset.BNB),
    "live-fees-in-coins": (False, FeeAsset.RECEIVED),
}
# No coins but what the bot buys: with more of them, freqtrade leaves a fee in coins out of its books.
BALANCES = {"USDT": Decimal(10_000), "BTC": Decimal(0), "ETH": Decimal(0), "BNB": Decimal(10)}
TRADES = 2  # closed ones, after which a run is long enough
_MOVING = ("profit", "rate", "dist", "open_orders", "stop", "duration", "liquidation")


async def record(name: str, folder: Path) -> None:
    """Record one run."""
    dry_run, fees = RUNS[name]
    fee = FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.001"), asset=fees)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(server.running(exchanges=["alpha"], fee=fee, balances=BALANCES))
        processes = await stack.enter_async_context(Stack(folder))
        freqtrade = component(simulator, folder, free_port(), dry_run=dry_run)
        await processes.start(freqtrade)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        bot = Bot(freqtrade.url, session)
        messages: list[Any] = []
        listening = asyncio.create_task(_listen(bot, messages))
        recorded = await _watch(bot, messages)
        listening.cancel()
    FOLDER.mkdir(parents=True, exist_ok=True)
    moments = ",\n".join(json.dumps(moment, default=float) for moment in recorded.pop("moments"))
    pages = ",\n".join(f'"{page}": {json.dumps(told, default=float)}' for page, told in recorded.items())
    (FOLDER / f"{name}.json").write_text(f'{{{pages},\n"moments": [\n{moments}\n]}}\n')


async def _watch(bot: Bot, messages: list[Any]) -> dict[str, Any]:
    moments: list[dict[str, Any]] = []
    seen = ""
    while True:
        status, trades = await bot.get("/status"), await bot.get("/trades?limit=100&order_by_id=false")
        essence = json.dumps([[_still(trade) for trade in status], trades], default=float)
        if essence != seen:
            seen = essence
            moments.append({"messages": messages[:], "status": status, "trades": trades})
            messages.clear()
        if trades["total_trades"] >= TRADES and not moments[-1]["status"]:
            break
        if trades["total_trades"] == 1 and len(status) < len(PAIRS):
            await bot.post("/stopentry")  # the end comes when what is open is closed
        await asyncio.sleep(0.2)
    pages = ("show_config", "health", "count", "balance", "profit")
    return {"moments": moments} | {page: await bot.get(f"/{page}") for page in pages}


def _still(trade: dict[str, Any]) -> dict[str, Any]:
    """What of an open trade does not move with the market."""
    return {key: value for key, value in trade.items() if not any(word in key for word in _MOVING)}


async def _listen(bot: Bot, messages: list[Any]) -> None:
    url = f"{bot.url}/api/v1/message/ws?token={WS_TOKEN}"
    kinds = ["entry", "entry_fill", "entry_cancel", "exit", "exit_fill", "exit_cancel", "status", "warning", "startup"]
    async with bot.session.ws_connect(url) as connection:
        await connection.send_json({"type": "subscribe", "data": kinds})
        while True:
            messages.append(await connection.receive_json())


def main() -> None:
    for name in sys.argv[1:] or RUNS:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(record(name, Path(folder)))


if __name__ == "__main__":
    main()
