"""The organiser's page of what people told callers about themselves."""
