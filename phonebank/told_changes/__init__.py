"""What callers were told about people, and what organisers decide about it."""
