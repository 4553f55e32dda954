"""Simulates evenings of calling, with the same rule for how many lines to dial as in real calling.
This package uses no database."""
