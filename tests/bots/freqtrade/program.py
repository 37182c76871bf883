"""How freqtrade is set up to trade on the simulator, and what it says of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from simulator.server import Simulator
from simulator.stack.processes import Component
from tests.bots.environments import program

USERNAME, PASSWORD, WS_TOKEN = "exporter", "a password: with more", "a-token-for-the-stream"
PAIRS = ("BTC/USDT", "ETH/USDT")


def settings(simulator: Simulator, folder: Path, port: int, *, dry_run: bool) -> dict[str, Any]:
    """A configuration of freqtrade; what it needs of an exchange it finds in the simulator's dialect of Binance."""
    ccxt = dict(simulator.ccxt_config("alpha"))
    key, secret = ccxt.pop("apiKey"), ccxt.pop("secret")
    pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "bot_name": "often",
        "strategy": "Often",
        "strategy_path": str(Path(__file__).parent / "strategies"),
        "user_data_dir": str(folder / "user_data"),
        "db_url": f"sqlite:///{folder}/trades.sqlite",
        "dry_run": dry_run,
        "dry_run_wallet": 10_000,
        "trading_mode": "spot",
        "max_open_trades": 3,
        "stake_currency": "USDT",
        "stake_amount": 300,
        "force_entry_enable": True,
        "unfilledtimeout": {"entry": 1, "exit": 1, "unit": "minutes"},
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "order_types": {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": False},
        "exchange": {
            "name": "binance",
            "key": key,
            "secret": secret,
            "ccxt_config": ccxt,
            "enable_ws": False,
            "pair_whitelist": list(PAIRS),
            "pair_blacklist": [],
        },
        "pairlists": [{"method": "StaticPairList"}],
        "api_server": {
            "enabled": True,
            "listen_ip_address": "127.0.0.1",
            "listen_port": port,
            "verbosity": "error",
            "jwt_secret_key": "only for this test, and long enough for it",
            "ws_token": WS_TOKEN,
            "username": USERNAME,
            "password": PASSWORD,
        },
        "initial_state": "running",
        "internals": {"process_throttle_secs": 1},
    }


def component(simulator: Simulator, folder: Path, port: int, *, dry_run: bool) -> Component:
    """The process; ready once its REST server answers."""
    config = folder / "freqtrade.json"
    (folder / "user_data").mkdir(exist_ok=True)
    config.write_text(json.dumps(settings(simulator, folder, port, dry_run=dry_run)))
    command = (str(program("freqtrade", "freqtrade")), "trade", "--config", str(config))
    return Component(
        name="freqtrade",
        command=(*command, "--userdir", str(folder / "user_data")),
        url=f"http://127.0.0.1:{port}",
        ready_path="/api/v1/ping",
        ready_seconds=120,
        folder=folder,
    )


@dataclass
class Bot:
    """A running freqtrade, asked as its own client would."""

    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> Any:
        """A page, its numbers as they are written."""
        return await self._ask("GET", path)

    async def post(self, path: str, **body: Any) -> Any:
        """An order to the bot."""
        return await self._ask("POST", path, json=body)

    async def delete(self, path: str) -> None:
        """An order to the bot to undo something; freqtrade answers with a failure when a trade goes with it."""
        await self._ask("DELETE", path, allowed=(200, 502))

    async def _ask(self, method: str, path: str, allowed: tuple[int, ...] = (200,), **rest: Any) -> Any:
        headers = {"Authorization": aiohttp.encode_basic_auth(USERNAME, PASSWORD)}
        async with self.session.request(method, f"{self.url}/api/v1{path}", headers=headers, **rest) as answer:
            assert answer.status in allowed, await answer.text()
            return json.loads(await answer.text(), parse_float=Decimal)

    async def closed(self) -> list[Any]:
        """All closed trades."""
        found: list[Any] = (await self.get("/trades?limit=1000"))["trades"]
        return found
