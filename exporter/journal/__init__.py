"""What must not be lost, on disk: append, read again, verify."""
