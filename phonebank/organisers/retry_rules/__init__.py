"""The organiser's pages about retry rules: when people are called again."""
