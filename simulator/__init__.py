"""An exchange on loopback that speaks a real exchange's REST and WebSocket dialect.

The engine (``exchange``, ``book``, ``account``, ``orders``, ``clock``) knows nothing of any dialect and does
no I/O; markets (``market``, ``replay``) feed it; ``dialect``, ``rest``, ``stream`` and ``signing`` speak
Binance spot for it; ``faults`` and ``control`` break it on demand; ``server`` joins the parts.
"""
