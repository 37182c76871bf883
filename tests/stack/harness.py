"""The real programs on free ports, and what a test asks of them.

Use the fixtures `harness` and `listener` of ``conftest.py``; everything ends with the test.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import psutil
from aiohttp import web

from simulator.stack import components
from simulator.stack.components import Market, Replay, Settings
from simulator.stack.ports import LOOPBACK, free_port
from simulator.stack.processes import Component, Stack

PARTS = ("simulator", "maker", "exporter", "prometheus", "alertmanager")
POLL_SECONDS = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the parts are started; everything has the demo's value unless given.

    ``exporter_program`` are the arguments with which Python runs as the exporter.
    ``*_overrides`` are merged into the configuration of that part, mappings by key, lists replaced.
    ``each_exchange`` is merged into every entry of the exporter's ``exchanges``. ``prometheus_edit`` is called with
    Prometheus's folder before it starts. ``channels`` says which of Alertmanager's channels are on, as ``channels.yml``
    does; ``secrets`` are files of its folder ``secrets``: name and text.
    """

    market: Market = components.DEFAULT_MARKET
    replay: Replay | None = None
    simulator_arguments: tuple[str, ...] = ()
    maker_arguments: tuple[str, ...] = ()
    exporter_program: tuple[str, ...] = ("-m", "exporter")
    exporter_overrides: Settings = field(default_factory=dict)
    each_exchange: Settings = field(default_factory=dict)
    exporter_environment: Mapping[str, str] = field(default_factory=dict)
    prometheus_overrides: Settings = field(default_factory=dict)
    prometheus_edit: Callable[[Path], None] | None = None
    prometheus_arguments: tuple[str, ...] = ()
    channels: Settings = field(default_factory=dict)
    alertmanager_overrides: Settings = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of a query's answer with its value at one time (Unix seconds)."""

    labels: Mapping[str, str]
    value: float
    time: float


class Harness:
    """Starts any of `PARTS`, each on a port of its own, and asks them things."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession, options: Options) -> None:
        self.stack = stack
        self.session = session
        self.options = options
        self._ports = {name: free_port() for name in PARTS}

    async def start(self, *names: str) -> None:
        """Start these parts together, all of `PARTS` when none is named, and wait until they are ready.

        The simulator is ready before anything that talks to it starts.
        """
        wanted = {name: self._component(name) for name in names or PARTS}
        if simulator := wanted.pop("simulator", None):
            await self.stack.start(simulator)
        await self.stack.start(*wanted.values())

    def url(self, name: str) -> str:
        """Give the address of a part, whether it runs or not."""
        return components.local_url(self._ports[name])

    async def get_json(self, url: str, **parameters: str) -> Any:
        """Give the JSON at `url`; raises `aiohttp.ClientResponseError` for any status that is an error."""
        async with self.session.get(url, params=parameters, raise_for_status=True) as response:
            return await response.json(content_type=None)

    async def prometheus_query(self, expression: str, **parameters: str) -> list[Sample]:
        """Give each series of an instant query; `parameters` e.g. ``time="1760000000"``."""
        url = f"{self.url('prometheus')}/api/v1/query"
        answer = await self.get_json(url, query=expression, **parameters)
        return [_sample(series["metric"], series["value"]) for series in answer["data"]["result"]]

    async def prometheus_range(self, expression: str, start: float, end: float, step: float) -> list[list[Sample]]:
        """Give the samples of each series from `start` to `end` (Unix seconds), one each `step` seconds."""
        url = f"{self.url('prometheus')}/api/v1/query_range"
        answer = await self.get_json(url, query=expression, start=str(start), end=str(end), step=str(step))
        return [[_sample(series["metric"], point) for point in series["values"]] for series in answer["data"]["result"]]

    async def metrics(self) -> str:
        """Give the exporter's text."""
        async with self.session.get(f"{self.url('exporter')}/metrics", raise_for_status=True) as response:
            return await response.text()

    async def control(self, path: str = "") -> Any:
        """Give what the simulator's control endpoint says at ``/control`` plus `path`."""
        return await self.get_json(f"{self.url('simulator')}/control{path}")

    async def add_fault(self, exchange: str, **fault: object) -> None:
        """Make a simulated exchange misbehave, e.g. ``kind="down"``."""
        url = f"{self.url('simulator')}/control/{exchange}/faults"
        async with self.session.post(url, json=fault, raise_for_status=True):
            pass

    async def clear_faults(self, exchange: str) -> None:
        """Let a simulated exchange behave again."""
        url = f"{self.url('simulator')}/control/{exchange}/faults"
        async with self.session.delete(url, raise_for_status=True):
            pass

    def _component(self, name: str) -> Component:
        return {
            "simulator": self._simulator,
            "maker": self._maker,
            "exporter": self._exporter,
            "prometheus": self._prometheus,
            "alertmanager": self._alertmanager,
        }[name]()

    def _simulator(self) -> Component:
        options = self.options
        return components.simulator(
            self.stack.run_dir,
            port=self._ports["simulator"],
            market=options.market,
            replay=options.replay,
            more=options.simulator_arguments,
        )

    def _maker(self) -> Component:
        options = self.options
        return components.maker(
            simulator_url=self.url("simulator"), market=options.market, more=options.maker_arguments
        )

    def _exporter(self) -> Component:
        port, options = self._ports["exporter"], self.options
        config = components.exporter_config(
            listen=f"{LOOPBACK}:{port}",
            simulator_url=self.url("simulator"),
            market=options.market,
            overrides=options.exporter_overrides,
            each_exchange=options.each_exchange,
        )
        component = components.exporter(
            self.stack.run_dir, port=port, config=config, environment=options.exporter_environment
        )
        python, _, _, *arguments = component.command
        return replace(component, command=(python, *options.exporter_program, *arguments))

    def _prometheus(self) -> Component:
        return components.prometheus(
            self.stack.run_dir,
            port=self._ports["prometheus"],
            exporter_port=self._ports["exporter"],
            alertmanager_port=self._ports["alertmanager"],
            overrides=self.options.prometheus_overrides,
            edit=self.options.prometheus_edit,
            more=self.options.prometheus_arguments,
        )

    def _alertmanager(self) -> Component:
        options = self.options
        return components.alertmanager(
            self.stack.run_dir,
            port=self._ports["alertmanager"],
            channels=options.channels,
            secrets=options.secrets,
            overrides=options.alertmanager_overrides,
        )


def _sample(labels: dict[str, str], point: Iterable[Any]) -> Sample:
    time, value = point
    return Sample(labels, float(value), float(time))


@dataclass(frozen=True, slots=True)
class Received:
    """One request that a `Listener` got; ``body`` is its JSON, ``at`` the Unix time when it came."""

    path: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    at: float = field(default_factory=time.time)


class Listener:
    """An HTTP server on loopback that takes any POST of JSON, as Slack, PagerDuty and webhooks do.

    Paths in ``refused`` are answered with the status ``refusal``, and nothing of them is kept.
    """

    def __init__(self) -> None:
        self.refused: frozenset[str] = frozenset()
        self.refusal = 500
        self.received: list[Received] = []
        self._news = asyncio.Condition()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Keep the request; answer what a service says that has taken it."""
        if request.path in self.refused:
            return web.Response(status=self.refusal, text="refused")
        received = Received(request.path, await request.json(), request.headers)
        async with self._news:
            self.received.append(received)
            self._news.notify_all()
        return web.Response(text="ok")

    async def wait_for(self, condition: Callable[[Received], bool], seconds: float = 60.0) -> Received:
        """Give the first request that meets `condition`, waiting for it; raises `AssertionError`."""

        def match() -> Received | None:
            return next(filter(condition, self.received), None)

        try:
            async with asyncio.timeout(seconds), self._news:
                found = await self._news.wait_for(match)
        except TimeoutError:
            raise AssertionError(f"nothing like it within {seconds:g} s; received: {self.received}") from None
        assert found is not None
        return found


async def eventually(question: Callable[[], Awaitable[T]], seconds: float = 30.0) -> T:
    """Ask until the answer is true (not empty, not zero) and give it; raises `AssertionError`.

    Failing connections count as an answer that is not true: what is asked may be down for a while.
    """
    answer: object = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    if result := await question():
                        return result
                    answer = result
                except aiohttp.ClientError as error:
                    answer = error
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s; the last answer: {answer!r}") from None


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait in this thread until `condition` holds, for so long at most."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come about within {seconds:g} s"
        time.sleep(0.02)


def ended(pid: int) -> bool:
    """Whether a process is no more."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # nobody has collected it yet
    except psutil.NoSuchProcess:
        return True


async def gone(pid: int) -> None:
    """Wait until a process is no more."""
    await asyncio.to_thread(until, lambda: ended(pid))
