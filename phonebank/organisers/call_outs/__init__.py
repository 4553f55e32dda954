"""The organiser's pages of call-outs."""
