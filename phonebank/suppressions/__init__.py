"""The do-not-call list: its numbers, the contacts it keeps out of calling, and whole files."""
