"""The page that says where everything is."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from exporter.config import Links, Secret, Web
from exporter.state.state import State
from exporter.web.index import DASHBOARDS, DEBUG, LIVE, OWN, STREAM, Place, render, served
from grafana.frame import uid_of
from grafana.names import FOLDERS
from tests.builders import MINIMAL, config
from tests.web.serving import serving

LOCAL = Web(listen="127.0.0.1:0")
SNAPSHOT = "https://grafana.test/dashboard/snapshot/MP6NnoMVXRni20DM5nS9Ao8ix9LzLVkN"
ALL = Links(
    grafana="http://127.0.0.1:3000/monitoring/",
    prometheus="http://127.0.0.1:9090",
    alertmanager="http://127.0.0.1:9093",
    public="https://grafana.test/public-dashboards/44a47ef0",
)


class Page(HTMLParser):
    """What a browser makes of a page: where its links lead by what they say, and its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self._href = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self._href = dict(attrs).get("href") or "" if tag == "a" else ""

    def handle_data(self, data: str) -> None:
        if self._href:
            self.links[data] = self._href
            self._href = ""


async def opened(text: str, web: Web = LOCAL) -> tuple[str, Mapping[str, str]]:
    """Return what a browser is sent by an exporter with this configuration."""
    state = State(config(MINIMAL + text))
    async with serving(web, state) as url, aiohttp.ClientSession() as session, session.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        return await answer.text(), answer.headers


async def test_everything_that_is_configured_is_there() -> None:
    """Grafana with each dashboard, Prometheus, Alertmanager, the public figures and the documents."""
    text, _ = await opened(
        "links: {grafana: 'http://g.test/', prometheus: 'http://p.test', alertmanager: 'http://a.test/x',"
        " public: 'http://g.test/public-dashboards/1', docs: 'http://d.test'}"
    )
    links = Page(text).links
    assert {links[name] for name in ("Grafana", "Prometheus", "Alertmanager", "Documentation")} == {
        "http://g.test/",
        "http://p.test",
        "http://a.test/x",
        "http://d.test",
    }
    assert links["Public figures, live"] == "http://g.test/public-dashboards/1"
    for name, _ in DASHBOARDS:
        assert links[name.capitalize()] == f"http://g.test/d/{uid_of(name)}"


def test_dashboards_are_those_that_there_are() -> None:
    """The page and Grafana's folders have the same dashboards."""
    assert sorted(name for name, _ in DASHBOARDS) == sorted(name for each in FOLDERS for name in each.dashboards)


async def test_without_links_the_page_says_how_to_have_them() -> None:
    """The exporter's own paths and the documents are always there; the rest is named as missing."""
    text, _ = await opened("")
    assert Page(text).links.keys() == {place.name for place in served(config()) if place.href} | {"Documentation"}
    assert "the section <code>links</code>" in text
    assert "the section <code>links</code>" not in render(ALL)


@pytest.mark.parametrize(
    ("text", "gone"),
    [("pages: {live: false}", LIVE), ("stream: {enabled: false}", STREAM), ("debug: {enabled: false}", DEBUG)],
)
def test_what_is_switched_off_is_not_offered(text: str, gone: Place) -> None:
    """The page leads only to what is served."""
    assert gone in served(config())
    assert gone not in served(config(MINIMAL + text))


async def test_own_paths_answer() -> None:
    """Each path of the exporter's own to which the page leads is served."""
    async with serving(LOCAL, State(config())) as url, aiohttp.ClientSession() as session:
        for place in served(config()):
            if place.href:
                async with session.get(url + place.href) as answer:
                    assert answer.status == 200, place.href


def test_further_path_is_one_more_entry() -> None:
    """What is added to the list is on the page."""
    assert Page(render(Links(), own=(*OWN, Place("/more", "what is more", "/more")))).links["/more"] == "/more"


async def test_newest_snapshot_is_followed(tmp_path: Path) -> None:
    """The link is read anew each time; while the file is not there, or holds no address, there is none."""
    file = tmp_path / "snapshot"
    state = State(config(MINIMAL + f"links: {{snapshot_file: {file}}}"))
    async with serving(LOCAL, state) as url, aiohttp.ClientSession() as session:

        async def shown() -> str | None:
            async with session.get(url) as answer:
                return Page(await answer.text()).links.get("Public figures, newest snapshot")

        assert await shown() is None
        for content, link in (
            (f"{SNAPSHOT}\n", SNAPSHOT),
            ("javascript:alert(1)", None),
            ("http://root:hunter2@host", None),
            ("", None),
            ("\udcff\udcfe", None),
            (f"{SNAPSHOT}2\n", f"{SNAPSHOT}2"),
        ):
            file.write_bytes(content.encode(errors="surrogateescape"))
            assert await shown() == link
        file.unlink()
        file.mkdir()
        assert await shown() is None


def test_addresses_are_escaped() -> None:
    """Whatever an address holds, no element and no attribute comes out of it."""
    text = render(
        Links(grafana="http://g.test/'&\"><script>alert(1)</script>", docs="http://d.test/&lt;"), "x\"onclick='"
    )
    page = Page(text)
    assert "script" not in page.elements
    assert page.attributes <= {"lang", "charset", "name", "content", "href"}
    assert page.links["Documentation"] == "http://d.test/&lt;"


async def test_nothing_secret_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for whoever can connect, so that no secret of the configuration and no state is ever in it."""
    monkeypatch.setenv("EXCHANGE_KEY", "hunter2")
    (tmp_path / "token").write_text("let-me-in-let-me-in")
    web = Web(listen="127.0.0.1:0", bearer_token=Secret(file=str(tmp_path / "token")))
    text, _ = await opened(
        "exchanges: [{name: zeta, id: binance, account: prop-desk, symbols: [BTC/USDT],"
        " api_key: {env: EXCHANGE_KEY}, secret: {env: EXCHANGE_KEY}}]",
        web,
    )
    assert not any(
        word in text for word in ("hunter2", "let-me-in", "zeta", "prop-desk", "EXCHANGE_KEY", str(tmp_path))
    )


async def test_browser_runs_nothing_on_it() -> None:
    """The page forbids scripts, frames and guesses of its type, and tells nobody that one came from here."""
    text, headers = await opened("")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert (headers["Referrer-Policy"], headers["X-Content-Type-Options"]) == ("no-referrer", "nosniff")
    assert not {"script", "img", "iframe", "link"} & set(Page(text).elements)
