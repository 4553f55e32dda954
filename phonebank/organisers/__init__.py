"""The organiser's pages: one package a feature, with its forms."""
