"""The organiser's pages: one package for each feature, with its forms."""
