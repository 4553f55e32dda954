"""The practice call: made-up people, and the feedback that the caller reads afterwards."""
