"""Experiments that compare scripts. Each contact is randomly given one script and keeps it."""
