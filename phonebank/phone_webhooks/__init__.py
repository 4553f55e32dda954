"""Receives what providers of telephone lines report over HTTP. Only the providers' programs use
these addresses, not people."""
