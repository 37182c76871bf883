"""The simulator, seen as its users see it: through ccxt, over real sockets."""
