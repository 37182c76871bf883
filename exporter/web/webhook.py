"""What Alertmanager posts: from whoever has the token, within bounds, as `Notification`."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

import msgspec
from aiohttp import ClientError, web

from exporter.config import Secret
from exporter.events.alerts import Notification
from exporter.web.push.answer import RequestError

_MOST_BYTES = 4 * 1024 * 1024
_MOST_AT_ONCE = 8
_SECONDS = 20.0

_decode = msgspec.json.Decoder(Notification).decode


class Webhook:
    """One address; it is off without a token. ``section`` of the configuration is named in messages."""

    def __init__(self, token: Secret | None, section: str) -> None:
        self._digest = None if token is None else _digest(token.read().encode())
        self._section = section
        self._reading = 0

    async def read(self, request: web.Request) -> Notification:
        """What was posted; `RequestError` when it cannot be taken."""
        self._check(request.headers.get("Authorization", ""))
        if self._reading >= _MOST_AT_ONCE:
            raise RequestError(503, "too many requests are being read; send this one again later", {"Retry-After": "1"})
        self._reading += 1
        try:
            body = await _body(request)
        finally:
            self._reading -= 1
        try:
            return _decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            text = f"this is not what Alertmanager posts to a webhook: {error}"
            raise RequestError(400, text) from None

    def _check(self, authorization: str) -> None:
        if self._digest is None:
            text = f"this is off: set {self._section}.token in the exporter's configuration; docs/alerting.md says how"
            raise RequestError(404, text)
        scheme, _, given = authorization.partition(" ")
        matches = hmac.compare_digest(self._digest, _digest(given.strip().encode(errors="surrogateescape")))
        if not matches or scheme.lower() != "bearer":
            text = f"the token of {self._section}.token is needed: send the header Authorization: Bearer TOKEN"
            raise RequestError(401, text, {"WWW-Authenticate": "Bearer"})


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for part in request.content.iter_any():
                body += part
                if len(body) > _MOST_BYTES:
                    raise RequestError(
                        413, f"the body has more than {_MOST_BYTES} bytes; set max_alerts in the webhook"
                    )
    except TimeoutError:
        text = f"the body did not come within {_SECONDS:g} s; send it again"
        raise RequestError(503, text, {"Retry-After": "1"}) from None  # after a 408 Alertmanager gives up
    except (ConnectionError, ClientError):
        raise RequestError(400, "the connection ended within the body; nothing was taken") from None
    return bytes(body)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
