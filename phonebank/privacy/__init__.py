"""Erases people's data, and shows a person what is stored about them."""
