"""``/live`` and ``/public``, and what they are made of.

Nothing is built: the browser gets the modules as they are written. Their addresses have a name of their content in
them, so that a browser keeps them for good and still has the new ones at once.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from exporter.config import Pages as Settings
from exporter.live import Live
from exporter.web.pages.files import File, digest
from exporter.web.pages.template import filled

_FOLDER = Path(__file__).parent / "static"
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_PAGE = _SAFE | {"Content-Security-Policy": _POLICY, "Cross-Origin-Opener-Policy": "same-origin"}

_ASSETS = "/assets/"


def is_public(path: str) -> bool:
    """Whether what is there is what everybody may know."""
    return path in {"/public", "/public.json"} or path.startswith(_ASSETS)


class Pages:
    """The request handlers, as far as they are switched on."""

    def __init__(self, live: Live, settings: Settings) -> None:
        self._settings = settings
        self._published = live.published
        self._assets = {path.name: File(path.read_bytes(), _KINDS[path.suffix]) for path in _assets()}
        self._digest = digest("".join(sorted(file.etag for file in self._assets.values())).encode())
        self._live, self._public = self._page("live.html"), self._page("public.html")
        self._text, self._figures = b"", File(b"", "application/json")

    def routes(self) -> list[web.RouteDef]:
        """Which handler is where."""
        live = [web.get("/live", self.live)]
        public = [web.get("/public", self.public), web.get("/public.json", self.figures)]
        shown = (live if self._settings.live else []) + (public if self._settings.public else [])
        return [*shown, web.get(_ASSETS + "{digest}/{name}", self.asset)] if shown else []

    async def live(self, request: web.Request) -> web.Response:
        """The page for those who run the system; it has no figure in it, and asks for a token where one is needed."""
        return self._live.answer(request, _PAGE | {"Cache-Control": "no-cache"})

    async def public(self, request: web.Request) -> web.Response:
        """The page for everybody."""
        return self._public.answer(request, _PAGE | {"Cache-Control": "public, max-age=60"})

    async def figures(self, request: web.Request) -> web.Response:
        """The figures for everybody; what is in between may keep them for a few seconds, for as many as it likes."""
        text = self._published.text
        if text is not self._text:
            self._text, self._figures = text, File(text, "application/json")
        keep = {"Cache-Control": "public, max-age=5, stale-while-revalidate=10", "Access-Control-Allow-Origin": "*"}
        return self._figures.answer(request, _SAFE | keep)

    async def asset(self, request: web.Request) -> web.Response:
        """A part of the pages; one of another version of them is answered with ours, which is not to be kept."""
        file = self._assets.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        ours = request.match_info["digest"] == self._digest
        keep = "public, max-age=31536000, immutable" if ours else "no-cache"
        return file.answer(request, _SAFE | {"Cache-Control": keep})

    def _page(self, name: str) -> File:
        values = {"assets": f"assets/{self._digest}", "digest": self._digest, "name": self._settings.name}
        return File(filled(_FOLDER, name, values).encode(), "text/html")


def _assets() -> list[Path]:
    return sorted(path for path in _FOLDER.rglob("*") if path.suffix in _KINDS)
