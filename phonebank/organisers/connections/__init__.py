"""The organiser's pages about other software that uses a campaign."""
