"""Makes the files that organisers download as CSV, such as the calls, the people and the
do-not-call list. Also reads the people and outcomes that the API returns page by page."""
