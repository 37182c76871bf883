"""``POST /v1/events``: bots report events themselves.

A body is read in full, within limits, before any of it is taken; what was taken is acknowledged once it is on
disk. A bad event is named in the answer and does not keep the others out.
"""

from exporter.web.push.endpoint import Push

__all__ = ["Push"]
