"""Rows that more than one dashboard shows, a module for each subject."""
