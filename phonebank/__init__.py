"""Phonebank without the application for callers: the pages of organisers, hosts and others, and the
code that all applications use."""
