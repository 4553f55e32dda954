"""Makes the CSV files that organisers download, such as the calls file, the people file and the
do-not-call file. Also reads the people and outcomes that the API returns page by page."""
