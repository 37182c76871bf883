"""What goes out by itself: texts to people; and the watch over whom it comes from.

gateway     the services that send texts, through apprise
heartbeat   whether Alertmanager is heard of
scrapes     whether Prometheus still scrapes
sms         sends texts, again where that fails
texts       an alert in 160 characters
"""

from __future__ import annotations

from functools import partial

from exporter.config import Config
from exporter.errors import ServiceError
from exporter.publish.heartbeat import Heartbeat
from exporter.publish.sms import Sender
from exporter.state.state import OWN, State
from exporter.supervision import Makers


def publishers(config: Config, state: State) -> Makers:
    """What the configuration asks for, by name; `ServiceError` where it needs what is not installed."""
    found: Makers = {}
    if config.sms.urls:
        try:
            from exporter.publish.gateway import Gateway  # noqa: PLC0415 - only with the extra
        except ModuleNotFoundError as error:
            raise ServiceError(
                f"{error}; `make setup` has what it needs; otherwise pip install '.[sms]' in the clone"
            ) from None
        gateway = Gateway([url.read() for url in config.sms.urls])
        found[f"{OWN}/sms"] = partial(Sender, config.sms, state, gateway.send)
    if config.incidents.token is not None:
        found[f"{OWN}/incidents"] = partial(Heartbeat, state)
    return found
