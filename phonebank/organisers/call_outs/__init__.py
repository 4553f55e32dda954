"""The organiser's pages about call-outs."""
