"""Campaigns from draft to end: set up, start, pause, and count their results."""
