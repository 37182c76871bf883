"""``POST /v1/alerts`` and ``POST /v1/sms``: webhooks of Alertmanager.

What cannot be taken now is answered with a 503, after which Alertmanager comes again by itself.
"""

from __future__ import annotations

import logging

from aiohttp import web

from exporter.errors import JournalError
from exporter.events.alerts import Notification
from exporter.publish.texts import text
from exporter.state.incidents import HEARTBEAT
from exporter.state.sms import Text
from exporter.state.state import State
from exporter.web.push.answer import RequestError
from exporter.web.webhook import Webhook

log = logging.getLogger(__name__)

_LATER = {"Retry-After": "5"}


class Alerts:
    """The request handlers over one state."""

    def __init__(self, state: State) -> None:
        config = state.config
        self._state = state
        self._incidents = Webhook(config.incidents.token, "incidents")
        self._sms = Webhook(config.sms.token, "sms")

    async def alerts(self, request: web.Request) -> web.Response:
        """Take what is new of incidents; the answer comes once it is on disk."""
        try:
            told = await self._incidents.read(request)
            self._take(told)
            await self._state.log.durable()
        except RequestError as error:
            return _refused(error)
        except JournalError:
            return _refused(RequestError(503, "this is not on disk, which refuses it now; send it again later", _LATER))
        return web.Response(text="taken\n")

    async def sms(self, request: web.Request) -> web.Response:
        """Put a text into the queue."""
        try:
            told = await self._sms.read(request)
        except RequestError as error:
            return _refused(error)
        wanted = Text(told.group_key, text(told), told.status == "resolved", self._state.clock())
        if not self._state.texts.take(wanted):
            return _refused(RequestError(503, "too many texts wait to be sent; send it again later", _LATER))
        return web.Response(text="taken\n")

    def _take(self, told: Notification) -> None:
        incidents = self._state.incidents
        incidents.hear()
        for alert in told.alerts:
            incidents.hear(alert)
            if alert.name == HEARTBEAT:
                continue
            record = incidents.news(alert)
            if record is not None:
                self._state.log.append(record)  # first, since one that is not kept has to be taken again
                incidents.take(record)


def _refused(error: RequestError) -> web.Response:
    return web.Response(status=error.status, text=f"{error}\n", headers=error.headers)
