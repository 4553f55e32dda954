"""The records of calls that a machine dials: what was decided, what became of each line, and the
proof that the law was kept. Nothing here commits."""
