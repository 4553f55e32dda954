"""The do-not-call list: its numbers, the contacts that it keeps out of calling, and whole files."""
