"""What people told callers about themselves, and what organisers decide about it."""
