"""A stand-in for Grafana's HTTP API: a real socket on loopback, with the answers of a Grafana 9.4 or of a 13.

It keeps what is sent, refuses what Grafana refuses in Grafana's own words, and logs every call. `Grafana.fault` makes
the next answers something else; `Grafana.before_write` runs once just before a change is looked at, as another
person's change would. `state` is what it knows, `server` the socket; the other modules each answer for one kind of
thing, with a table of routes.
"""

from tests.grafana.standin.server import serve
from tests.grafana.standin.state import PASSWORD, TOKEN, USER, Fault, Grafana

__all__ = ["PASSWORD", "TOKEN", "USER", "Fault", "Grafana", "serve"]
