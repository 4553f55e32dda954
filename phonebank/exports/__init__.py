"""Files that organisers download: calls, answers and the do-not-call list, as CSV."""
