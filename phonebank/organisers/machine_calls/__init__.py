"""Calls by machine: what an evening would bring, and what the records prove."""
