"""The process that makes the calls: it connects callers by telephone, calls people, and joins
people to callers."""
