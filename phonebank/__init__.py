"""Phonebank without the callers' application: shared services, and the pages of organisers and
hosts."""
