"""Accounting: pure values and state, no I/O and no clock; time comes in with each event."""
