"""The records of calls dialled by a machine: what was decided, what happened on each line (a
telephone connection), and whether the law was followed. This package also simulates evenings of
such calls. Nothing here commits."""
