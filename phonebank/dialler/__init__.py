"""The process that makes the calls: it connects callers, calls people for them, and joins them."""
