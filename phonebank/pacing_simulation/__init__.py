"""Simulates evenings of calling. The rule that decides how many lines (telephone connections) to
dial is the same as in real calling. This package uses no database."""
