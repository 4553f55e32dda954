"""The process that calls: it connects callers, calls people for them, and puts them together."""
