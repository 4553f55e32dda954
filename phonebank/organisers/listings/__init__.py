"""The organiser's pages about events that strangers can find."""
