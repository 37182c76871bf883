"""Viewers of the public page for ``make bench``, a process of its own.

``python -m tests.bench.viewers URL VIEWERS SECONDS`` opens the page in as many browsers' place, each with a connection
of its own, and then asks for its figures as often as the page does. Prints JSON: seconds of each answer, and failures.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

import aiohttp

EVERY = 10.0  # seconds between two questions of one page


async def _view(url: str, until: float, seconds: list[float], failures: list[str]) -> None:
    await asyncio.sleep(random.random() * EVERY)  # people do not come at the same moment
    tag = ""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        path = "/public"
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                headers = {"If-None-Match": tag} if path == "/public.json" and tag else {}
                async with session.get(url + path, headers=headers) as answer:
                    await answer.read()
                    if answer.status not in {200, 304}:
                        failures.append(f"{path} {answer.status}")
                    tag = answer.headers.get("ETag", "")
            except (aiohttp.ClientError, TimeoutError) as error:
                failures.append(type(error).__name__)
            seconds.append(time.perf_counter() - began)
            if path == "/public":
                path = "/public.json"
            else:
                await asyncio.sleep(EVERY)


async def _main(url: str, viewers: int, duration: float) -> None:
    seconds: list[float] = []
    failures: list[str] = []
    until = time.monotonic() + duration
    await asyncio.gather(*(_view(url, until, seconds, failures) for _ in range(viewers)))
    print(json.dumps({"seconds": seconds, "failures": failures}))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
