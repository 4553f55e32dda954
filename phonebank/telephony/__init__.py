"""Telephone lines: one interface to several providers, and what happened on each line."""
