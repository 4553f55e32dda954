"""The process that makes the calls: it connects callers, calls people, and joins people to
callers."""
