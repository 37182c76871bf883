"""Answers that say in one sentence what was wrong, and what to do, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from exporter.web.shapes import Message


def message(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """``{"message": text}``."""
    body = msgspec.json.encode(Message(message=text)) + b"\n"
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)
