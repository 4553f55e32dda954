"""Receives what providers of telephone lines report over HTTP. Only the providers' programs send
requests here, not people."""
