"""The organiser's page about changes that people have told callers about, such as a new phone
number."""
