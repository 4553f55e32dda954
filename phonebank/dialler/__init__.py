"""The process that makes the calls: it connects callers by telephone, calls people, and joins
people to callers. A line is one telephone connection, either to a caller or to a person. A line
that has ended is never used again: the next connection is a new line."""
