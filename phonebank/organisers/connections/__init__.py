"""The organiser's pages about other software that is connected to a campaign."""
