"""Simulates evenings, paced by the same rule as real evenings. This package uses no database."""
