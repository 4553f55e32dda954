"""Scripts for calls: what a caller says, and the engine that finds the next step."""
