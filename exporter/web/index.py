"""The page at ``/``: where everything is.

Whoever reaches the exporter may open it, so that nothing secret is ever on it: our own paths, and the addresses in the
section ``links`` of the configuration, which hold no login. A new path is one more entry of `OWN`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from aiohttp import web

from exporter import __version__
from exporter.config import Config
from exporter.config.links import Links, is_address

_LONGEST = 2000  # characters of a link that are read from a file
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the page: what it is called, what is there, and where it leads if a browser can go there."""

    name: str
    says: str
    href: str = ""


OWN = (
    Place("/health", "the state of each part", "/health"),
    Place("/api/docs", "what programs may ask for, as JSON", "/api/docs"),
    Place("/metrics", "what Prometheus scrapes; with web.bearer_token set, that is asked for", "/metrics"),
    Place("/v1/schema", "the JSON Schema of the events that bots push", "/v1/schema"),
    Place("POST /v1/events", "where bots report fills, orders and the like, with a token of push.tokens"),
    Place("POST /v1/alerts, POST /v1/sms", "what Alertmanager tells, with the tokens of incidents and sms"),
)
"""What this exporter always serves itself."""

LIVE = Place("/live", "how everything is, as it changes", "/live")
PUBLIC = Place("/public", "what everybody may know", "/public")
STREAM = Place("/ws", "what changes as it changes, over WebSocket")
DEBUG = Place("/debug/profile, /debug/tasks", "what the exporter does just now")


def served(config: Config) -> tuple[Place, ...]:
    """What an exporter of this configuration serves itself, the pages first."""
    pages = [place for place, on in ((LIVE, config.pages.live), (PUBLIC, config.pages.public)) if on]
    more = [place for place, on in ((STREAM, config.stream.enabled), (DEBUG, config.debug.enabled)) if on]
    return (*pages, *OWN, *more)


DASHBOARDS = (
    ("executive", "is it up, what does it earn, what is it worth"),
    ("operations", "what fires, which exchange is slow, how much room is left"),
    ("performance", "how quick it is, what it carries, where it gets slower"),
    ("trading", "what the trading earns and why, spreads, fills, markouts"),
    ("risk", "how far from the limits, what could be lost, do the books agree"),
    ("trader", "what one's own bots do, hold and miss"),
    ("admin", "is the monitoring itself alive, what does it drop, what does it cost"),
    ("viewer", "the calm summary"),
    ("public", "is the claim true, since when, how is it measured"),
)
"""The dashboards that `make provision-dashboards` puts into Grafana."""

_BEGIN = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>trading-exporter</title>
<style>
:root { color-scheme: light dark; --quiet: #59636e; --line: #d1d9e0; --link: #0757b5 }
@media (prefers-color-scheme: dark) { :root { --quiet: #9aa4b0; --line: #3a424c; --link: #7ab7ff } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 64rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 0 .5rem }
h2 { font-size: 1rem; margin: 1.75rem 0 .25rem }
h1 small, p, li span { color: var(--quiet) }
ul { column-gap: 2rem; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr));
  list-style: none; margin: 0; padding: 0 }
li { border-top: 1px solid var(--line); overflow-wrap: anywhere; padding: .5rem 0 }
a { color: var(--link); display: inline-block; padding: .25rem 0 }
li span { display: block; font-size: .9rem }
code { font-size: .95em }
</style>
</head>
<body>
"""
_END = "</body>\n</html>\n"
_HINT = (
    "<p>Grafana, Prometheus and the rest are listed here once they stand in the section <code>links</code> of the "
    "configuration.</p>\n"
)


class Index:
    """The page over one configuration."""

    def __init__(self, config: Config) -> None:
        self._links = config.links
        self._own = served(config)

    async def page(self, _: web.Request) -> web.Response:
        """Where everything is."""
        file = self._links.snapshot_file
        snapshot = await asyncio.to_thread(_read_link, Path(file)) if file else ""
        return web.Response(text=render(self._links, snapshot, self._own), content_type="text/html", headers=_HEADERS)


def render(links: Links, snapshot: str = "", own: Iterable[Place] = OWN) -> str:
    """Return the page; ``snapshot`` is the link of the newest snapshot, if there is one."""
    known = "".join(_section(title, places) for title, places in _groups(links, snapshot) if places)
    hint = "" if len(links.addresses) > 1 or snapshot else _HINT
    head = f"<h1>trading-exporter <small>{escape(__version__)}</small></h1>\n"
    return _BEGIN + head + known + _section("This exporter", own) + hint + _END


def _groups(links: Links, snapshot: str) -> Iterator[tuple[str, list[Place]]]:
    yield "Dashboards", list(_dashboards(links))
    yield "For everybody, without login", list(_public(links, snapshot))
    yield "Behind it", list(_behind(links))


def _dashboards(links: Links) -> Iterator[Place]:
    if links.grafana:
        base = links.grafana.rstrip("/")
        yield from (Place(name.capitalize(), says, f"{base}/d/trading-{name}") for name, says in DASHBOARDS)


def _public(links: Links, snapshot: str) -> Iterator[Place]:
    if links.public:
        yield Place(
            "Public figures, live", "volume, PnL by capital, spreads, uptime, and how they are measured", links.public
        )
    if snapshot:
        yield Place("Public figures, newest snapshot", "the same, as of one moment", snapshot)


def _behind(links: Links) -> Iterator[Place]:
    if links.grafana:
        yield Place("Grafana", "all dashboards, and queries of one's own", links.grafana)
    if links.prometheus:
        yield Place("Prometheus", "queries, rules, alerts, what is scraped", links.prometheus)
    if links.alertmanager:
        yield Place("Alertmanager", "who is told what, and silences", links.alertmanager)
    yield Place("Documentation", "what is measured and how, the runbook, every setting", links.docs)


def _section(title: str, places: Iterable[Place]) -> str:
    lines = "".join(f"<li>{_named(place)} <span>{escape(place.says)}</span></li>\n" for place in places)
    return f"<section>\n<h2>{escape(title)}</h2>\n<ul>\n{lines}</ul>\n</section>\n"


def _named(place: Place) -> str:
    name = escape(place.name)
    return f'<a href="{escape(place.href)}">{name}</a>' if place.href else f"<code>{name}</code>"


def _read_link(path: Path) -> str:
    """Return the link in a file, or nothing while there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST).strip()
    except (OSError, ValueError):
        return ""
    return text if is_address(text) else ""
