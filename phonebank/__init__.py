"""Phonebank: what everyone shares, and the organiser's and host's side."""
