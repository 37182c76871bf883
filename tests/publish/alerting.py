"""Alertmanager's side of its webhooks: an exporter that runs in this process, and what is posted to it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from exporter.config import parse
from exporter.service import running
from exporter.state.state import State

TOKEN = "a1b2c3d4e5f6a7b8"

Json = dict[str, Any]


def moment(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds").replace("+00:00", "123Z")


def alert(fingerprint: str, starts: float, ends: float | None = None, /, **labels: str) -> Json:
    """One alert as Alertmanager writes it; resolved where it has an end."""
    return {
        "status": "firing" if ends is None else "resolved",
        "labels": {"alertname": "TradingCpuHigh", "severity": "warning", **labels},
        "annotations": {"summary": "The CPU is busy.", "description": "In use: 93% of the processors."},
        "startsAt": moment(starts),
        "endsAt": "0001-01-01T00:00:00Z" if ends is None else moment(ends),
        "generatorURL": "",
        "fingerprint": fingerprint,
    }


def notification(*alerts: Json, group: str = "{}:{}") -> Json:
    """A message about some alerts."""
    common = alerts[0]["labels"].items() if alerts else ()
    labels = dict(pair for pair in common if all(pair in each["labels"].items() for each in alerts))
    return {
        "version": "4",
        "groupKey": group,
        "status": "firing" if any(each["status"] == "firing" for each in alerts) else "resolved",
        "receiver": "x",
        "commonLabels": labels,
        "commonAnnotations": alerts[0]["annotations"] if alerts else {},
        "externalURL": "http://127.0.0.1:9093",
        "alerts": list(alerts),
    }


@dataclass(frozen=True)
class Alertmanager:
    """Posts to one exporter."""

    url: str
    session: aiohttp.ClientSession
    state: State

    async def post(self, path: str, body: Any, token: str | None = TOKEN) -> tuple[int, str]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        given = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
        async with self.session.post(f"{self.url}{path}", headers=headers, **given) as answer:
            return answer.status, await answer.text()

    async def tell(self, *alerts: Json) -> None:
        assert (await self.post("/v1/alerts", notification(*alerts)))[0] == 200

    async def samples(self, start: str) -> dict[str, float]:
        """The samples that begin so, without the namespace."""
        async with self.session.get(f"{self.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        parts = (line.removeprefix("trading_").rsplit(" ", 1) for line in lines if line.startswith(f"trading_{start}"))
        return {name: float(value) for name, value in parts}

    async def by_severity(self, family: str) -> dict[str, float]:
        """A family with the label severity, without the zeros."""
        found = await self.samples(family + "{")
        return {name.split('"')[1]: value for name, value in found.items() if value}

    async def health(self, component: str) -> Json:
        async with self.session.get(f"{self.url}/health") as answer:
            found: Json = (await answer.json())["services"][component]
        return found

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.01)


def settings(folder: Path, **sections: Any) -> Json:
    (folder / "token").write_text(TOKEN)
    return {"web": {"listen": "127.0.0.1:0"}, "journal": {"path": str(folder / "journal")}, **sections}


def incidents(folder: Path, **more: Any) -> Json:
    """A configuration that knows incidents."""
    return settings(folder, incidents={"token": {"file": str(folder / "token")}, **more})


@asynccontextmanager
async def told(config: Json) -> AsyncIterator[Alertmanager]:
    """An exporter that runs until the block ends."""
    async with running(parse(yaml.safe_dump(config))) as (url, state), aiohttp.ClientSession() as session:
        yield Alertmanager(url, session, state)
