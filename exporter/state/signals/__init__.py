"""What the user's own systems told of themselves, in plain numbers.

app        durations of requests
caches     what each cache counted
models     predictions, how right they were, and how far what they are made of has drifted
business   figures by name
"""

from exporter.state.signals.caches import CacheFigures
from exporter.state.signals.models import Model, SavedModel
from exporter.state.signals.signals import RequestKey, Signals

__all__ = ["CacheFigures", "Model", "RequestKey", "SavedModel", "Signals"]
