"""Postcodes and towns, with their positions. This package finds the place that a person means by a
typed text, measures distances, and says where a place is on a map."""
