"""Fixtures of the stack's tests that these need too."""

from tests.stack.conftest import listener, stack

__all__ = ["listener", "stack"]
