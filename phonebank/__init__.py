"""Phonebank: the shared services, and the applications of organisers and hosts."""
