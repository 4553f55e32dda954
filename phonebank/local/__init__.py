"""The servers of `make run` on one machine: starting, watching and ending them."""
