"""Answers that need action: found in the calls, and done by organisers."""
