"""What becomes of people's data: erased, kept for a time, shown to the person, and seen by whom."""
