"""The services that send texts: https://github.com/caronc/apprise/wiki.

Their addresses are secrets from beginning to end, so that nothing of what apprise and its libraries log, or what an
error says, is passed on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from apprise import Apprise

from exporter.errors import ServiceError

log = logging.getLogger(__name__)

for _name in ("apprise", "urllib3", "requests", "requests_oauthlib"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Gateway:
    """Services that are tried in order until one takes the text."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._services: list[Apprise] = []
        for index, url in enumerate(urls):
            service = Apprise()
            if not service.add(url):
                raise ServiceError(
                    f"sms.urls[{index}] is no address that apprise knows; write it as on its page of the service"
                )
            self._services.append(service)

    def send(self, text: str) -> bool:
        """Whether one of them took it; it takes as long as they do."""
        return any(_send(service, text) for service in self._services)


def _send(service: Apprise, text: str) -> bool:
    try:
        return bool(service.notify(body=text))
    except Exception as error:  # apprise speaks to a hundred services
        log.warning("a text could not be handed over", extra={"error": type(error).__name__})
        return False
