"""Volunteers: people with a confirmed e-mail address, what they agreed to, and their calls."""
