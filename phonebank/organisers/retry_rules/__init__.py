"""The organiser's pages about retry rules, which say when people are called again."""
