"""The organiser's page about the changes that people have told callers, such as a new phone
number."""
