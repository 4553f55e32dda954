"""Campaigns from draft to end: set them up, start and pause them, and count their results."""
