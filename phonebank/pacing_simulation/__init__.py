"""Simulates evenings of calling. The rule that decides how many lines to dial is the same as in
real calling. This package uses no database."""
