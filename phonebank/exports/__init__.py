"""What organisers take away with them: calls, answers and the do-not-call list, as CSV."""
