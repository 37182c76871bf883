"""Measurements for ``make bench``; none of them is a test."""
