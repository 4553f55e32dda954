"""Telephone lines: one interface to several providers, and the record of what happened on each
line. A line is one connection between the provider and a caller, or between the provider and a
person who is called."""
