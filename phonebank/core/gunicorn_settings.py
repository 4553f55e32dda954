"""Makes gunicorn's settings quick to read.

gunicorn looks up about thirty settings for each request, and each look-up goes through two Python
functions. That is a quarter of the time that gunicorn itself takes for a request.
"""

from typing import Any


def keep_as_attributes(settings: Any) -> None:
    """Store each setting of gunicorn's `Config` as an attribute of the object itself, where Python
    finds it without a function. (Five settings stay properties, such as `worker_class`, and are not
    looked up for requests.) Call this in each web process after it has been set up, because a
    setting that changes later would not be seen."""
    settings.__dict__.update({name: one.get() for name, one in settings.settings.items()})
