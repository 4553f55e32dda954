"""Conversations as content and as a machine: what a caller says, and which step comes next."""
