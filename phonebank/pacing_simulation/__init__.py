"""Simulated evenings of calling, paced by the same rule as real ones. No database."""
