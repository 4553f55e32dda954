"""The events that strangers can find, as an organiser checks them."""
