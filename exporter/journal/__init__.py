"""What must not be lost, on disk: append, read again, verify."""

from exporter.journal.database import Part
from exporter.journal.figures import Figures
from exporter.journal.journal import Journal

__all__ = ["Figures", "Journal", "Part"]
