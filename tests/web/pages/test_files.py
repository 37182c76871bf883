"""How the pages and their parts are sent: what may be kept, what may run, and who may see them."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import ClientSession
from yarl import URL

from exporter.config import parse
from exporter.errors import ConfigError
from exporter.state.state import State
from exporter.web import pages
from tests.web.serving import serving

STATIC = Path(pages.__file__).parent / "static"
BOTH = "pages: {live: true, public: true, name: 'Desk <1>'}\nupstream: {prometheus: {url: 'http://127.0.0.1:1'}}\n"


@asynccontextmanager
async def site(text: str = BOTH) -> AsyncIterator[ClientSession]:
    """A session with an exporter of this configuration; nothing is decompressed."""
    config = parse(text if "web:" in text else f"{text}web: {{listen: '127.0.0.1:0'}}\n")
    async with (
        serving(config.web, State(config)) as url,
        ClientSession(url, auto_decompress=False, headers={"Accept-Encoding": "gzip"}) as session,
    ):
        yield session


async def read(session: ClientSession, path: str, **headers: str) -> tuple[int, aiohttp.ClientResponse, str]:
    async with session.get(path, headers=headers) as answer:
        body = await answer.read()
        is_small = answer.headers.get("Content-Encoding") != "gzip"
        return answer.status, answer, (body if is_small else gzip.decompress(body)).decode()


def parts(page: str) -> list[str]:
    """The addresses of what a page is made of."""
    return [f"/{path}" for path in re.findall(r'(?:src|href)="(assets/[^"]+)"', page)]


@pytest.mark.parametrize("path", ["/live", "/public"])
async def test_a_page_runs_only_what_comes_from_here(path: str) -> None:
    """No script, style, image or connection of anybody else, nor any written into the page."""
    async with site() as session:
        _, answer, text = await read(session, path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)
    assert not re.search(r"<style|\sstyle=|<script>|\son\w+=", text)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/live", "/public"])
async def test_a_page_is_made_of_parts_that_are_kept_for_good(path: str) -> None:
    """Each comes compressed, with its type, under an address that has its content in it."""
    async with site() as session:
        _, _, text = await read(session, path)
        assert parts(text)
        for part in parts(text):
            status, answer, _ = await read(session, part)
            assert (status, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable"), part
            assert answer.content_type in ("text/javascript", "text/css", "image/svg+xml")
            assert (answer.headers.get("Content-Encoding") == "gzip") == ("icon" not in part)


@pytest.mark.parametrize("name", ["live", "public"])
async def test_every_module_of_a_page_is_fetched_at_once(name: str) -> None:
    """None has to be discovered by reading another one."""
    async with site() as session:
        _, _, text = await read(session, f"/{name}")
    named = {part.rpartition("/")[2] for part in parts(text)}
    needed, found = {f"{name}.js"}, set[str]()
    while needed - found:
        module = (needed - found).pop()
        found.add(module)
        source = next(STATIC.rglob(module)).read_text()
        needed |= set(re.findall(r'^import .*from "\./([^"]+)";$', source, re.MULTILINE))
    assert found <= named


async def test_who_has_it_already_is_told_so() -> None:
    """A page, a part and the public figures, by their tags."""
    async with site() as session:
        _, _, text = await read(session, "/live")
        for path in ("/live", "/public", "/public.json", parts(text)[0]):
            _, answer, _ = await read(session, path)
            status, again, body = await read(session, path, **{"If-None-Match": answer.headers["ETag"]})
            assert (status, body, again.headers["ETag"]) == (304, "", answer.headers["ETag"]), path
            strong = answer.headers["ETag"].removeprefix("W/")
            assert (await read(session, path, **{"If-None-Match": f'"x", {strong}'}))[0] == 304
            assert (await read(session, path, **{"If-None-Match": 'W/"other"'}))[0] == 200


async def test_what_is_public_may_be_kept_by_others_and_what_is_not_may_not() -> None:
    """For seconds, so that a thousand viewers are one."""
    async with site() as session:
        kept = {
            path: (await read(session, path))[1].headers["Cache-Control"]
            for path in ("/live", "/public", "/public.json")
        }
    assert kept["/live"] == "no-cache"
    assert kept["/public"].startswith("public, max-age=")
    assert kept["/public.json"].startswith("public, max-age=5")


async def test_a_part_of_another_version_is_ours_and_not_kept() -> None:
    """A page that something in between had kept still works after an upgrade."""
    async with site() as session:
        status, answer, text = await read(session, "/assets/0123456789abcdef/live.js")
    assert (status, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert text == (STATIC / "live.js").read_text()


@pytest.mark.parametrize(
    "path", ["/assets/x/live.html", "/assets/x/..%2F..%2Fpages.py", "/assets/x/%2Fetc%2Fpasswd", "/assets/x"]
)
async def test_nothing_but_parts_is_given_away(path: str) -> None:
    """Names are looked up in a list, never in a folder."""
    async with site() as session, session.get(URL(path, encoded=True)) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        *(("gzip", True), ("br, GZIP;q=0.5", True), ("deflate,gzip ; q=1", True)),
        *(("identity", False), ("gzip;q=0", False), ("gzip; q=0.000, br", False), ("x-gzip-not", False)),
    ],
)
async def test_it_is_compressed_for_those_who_take_that(accepted: str, is_compressed: bool) -> None:
    """A client that cannot decompress gets it as it is."""
    async with site() as session:
        _, answer, text = await read(session, "/live", **{"Accept-Encoding": accepted})
    assert (answer.headers.get("Content-Encoding") == "gzip") == is_compressed
    assert "<main" in text


async def test_a_name_is_text() -> None:
    """Whatever stands in the configuration."""
    async with site() as session:
        assert "<h1>Desk &lt;1&gt;</h1>" in (await read(session, "/live"))[2]


@pytest.mark.parametrize(
    ("text", "there"),
    [("", {"/live"}), ("pages: {live: false}\n", set()), (BOTH, {"/live", "/public", "/public.json"})],
)
async def test_pages_are_there_when_they_are_on(text: str, there: set[str]) -> None:
    """The public one is off unless it is asked for; the front page names those that there are."""
    async with site(text) as session:
        found = {path for path in ("/live", "/public", "/public.json") if (await read(session, path))[0] == 200}
        front = (await read(session, "/"))[2]
    assert found == there
    assert {path for path in ("/live", "/public") if f'href="{path}"' in front} == there - {"/public.json"}


async def test_a_token_guards_what_the_page_asks_for_and_not_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser cannot send it with the first request; the page has no figure in it."""
    monkeypatch.setenv("PAGES_TOKEN", "let-me-in-let-me-in")
    text = BOTH + "web: {listen: '127.0.0.1:0', bearer_token: {env: PAGES_TOKEN}}\n"
    async with site(text) as session:
        _, _, page = await read(session, "/live")
        for path in ("/live", "/public", "/public.json", parts(page)[0]):
            assert (await read(session, path))[0] == 200
        for path in ("/api/targets", "/api/performance-history", "/api/alerts", "/metrics"):
            assert (await read(session, path))[0] == 401


def test_public_figures_need_somebody_who_recorded_them() -> None:
    """Without Prometheus the page would say nothing."""
    with pytest.raises(ConfigError, match=r"pages\.public: public figures are what Prometheus recorded"):
        parse("pages: {public: true}")


def test_the_chart_library_comes_with_its_licence_and_names_its_version() -> None:
    """As it was published, beside the words that its authors want to go with it."""
    vendor = STATIC / "vendor"
    assert "(v1.6.32)" in (vendor / "uPlot.esm.js").read_text()[:400]
    assert "The MIT License" in (vendor / "uPlot.LICENSE.txt").read_text()
