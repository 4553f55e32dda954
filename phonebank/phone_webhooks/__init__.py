"""Answers the HTTP requests that providers of telephone lines send, mostly reports about calls.
Requests that a provider has not signed are refused."""
