"""The records of calls dialled by a machine: what was decided, what happened on each line, and the
proof that the law was followed. Nothing here commits."""
