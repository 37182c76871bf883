"""What the parts of the server say to each other about a request."""

from __future__ import annotations

from aiohttp import web

TRUSTED = web.RequestKey("trusted", bool)
"""Whether whoever asks may see what is private; absent where everybody may."""
