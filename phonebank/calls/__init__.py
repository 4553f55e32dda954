"""One call: claiming a person, recording the outcome, undoing it, setting it aside."""
