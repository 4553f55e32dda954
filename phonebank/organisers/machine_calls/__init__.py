"""The organiser's pages about calls by machine: what an evening would bring, and what the records
prove."""
