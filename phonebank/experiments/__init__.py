"""Experiments: compare scripts on one campaign, each contact randomly in one of them for good."""
