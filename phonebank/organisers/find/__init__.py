"""The organiser's pages about one person: finding them, their page, and correcting their calls."""
