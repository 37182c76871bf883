"""Turns what trading bots and exchanges do into Prometheus metrics."""

__version__ = "0.1.0"
