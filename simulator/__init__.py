"""Exchanges on loopback that speak real exchanges' REST and WebSocket dialects.

``engine`` is the exchange itself: it knows nothing of any dialect and does no I/O. ``dialects`` speak for it,
each as one real exchange does. ``web`` serves them and breaks them on demand, whatever they speak; ``server``
joins the parts.
"""
