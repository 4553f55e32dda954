"""Events that strangers can find, and the guests who ask to come."""
