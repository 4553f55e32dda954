"""Telephone lines: one interface to several providers, and the record of what happened on each
line."""
