"""A real Chromium, and what it complains of."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request, ViewportSize, async_playwright

DESK, PHONE = (1400, 900), (390, 844)
SIZES = {"desk": DESK, "phone": PHONE}

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Visit:
    """One page: ``complaints`` are what the browser found wrong, ``asked`` the addresses that it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._failed)
        self.page.on("request", self._request)
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))

    async def text(self, selector: str) -> str:
        """What stands there, with one blank between words."""
        return " ".join((await self.page.inner_text(selector)).split())

    async def until(self, selector: str, text: str) -> None:
        """Wait until this text stands there."""
        arguments = [selector, text]
        await self.page.wait_for_function(
            "([where, text]) => document.querySelector(where)?.innerText.replace(/\\s+/g, ' ').includes(text)",
            arg=arguments,
        )

    async def evaluate(self, module: str, body: str) -> Any:
        """The value of an expression over ``m``, a module of the page."""
        source = await self.page.get_attribute("script[type=module]", "src") or ""
        address = f"/{source.rpartition('/')[0]}/{module}.js"
        return await self.page.evaluate(f"import('{address}').then((m) => {body})")

    async def barriers(self) -> list[str]:
        """What keeps people from using the page, as axe finds it."""
        found = await Axe().run(self.page)
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found.response["violations"]]

    async def is_within(self) -> bool:
        """Whether nothing is wider than the window."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    @property
    def hosts(self) -> set[str]:
        """Whom the page asked for anything."""
        return {urlsplit(address).netloc for address in self.asked}

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium; skips the test where there is none."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium on the PATH; install it (Debian: sudo apt-get install chromium)")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser,
    url: str,
    size: tuple[int, int] = DESK,
    theme: Literal["light", "dark"] = "light",
    **more: Any,
) -> AsyncIterator[Visit]:
    """A window of its own with this page."""
    viewport = ViewportSize(width=size[0], height=size[1])
    context = await browser.new_context(viewport=viewport, color_scheme=theme, **more)
    try:
        found = Visit(await context.new_page())
        found.listen()
        await found.page.goto(url)
        yield found
    finally:
        await context.close()
