"""The quality of market making: how we quote, what fills cost, and what the price did after them.

Statistics, so all of it is floats; no I/O and no clock: time comes in. `Quality` is the door.
"""

from exporter.state.quality.quality import Quality, SavedQuality

__all__ = ["Quality", "SavedQuality"]
