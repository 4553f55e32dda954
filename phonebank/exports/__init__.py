"""Files that organisers download as CSV, such as the calls, the people and the do-not-call list,
and the pages of people and outcomes that the API returns."""
