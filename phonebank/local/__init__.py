"""Starts, watches and ends the servers of `make run` on one machine."""
