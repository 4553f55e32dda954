"""The do-not-call list: its numbers, the contacts that may not be called because of it, and
do-not-call files.

Words used in this package:

- suppress: put a number on the list, so that no contact with this number may be called
- lift: take a number off the list again
- restore: let a contact be called again, because none of the contact's numbers is still on the list
- batch: numbers that were put on the list together. They come from a column of an upload, from a
  do-not-call file, or from other software that uses the API with a token
- dead number: a number that is not in service
"""
