"""The practice call: people who are made up, and what the caller hears about how it went."""
