"""The web process of `bench.evening`, which presses six hours into minutes.

It is the ordinary one, except that its broadcaster pauses for a millisecond between two rounds and
reads every board in each.
"""

from gevent import monkey

monkey.patch_all()

from phonebank.live import broadcaster  # noqa: E402  (sockets must be patched first)

broadcaster.ROUND = broadcaster.EACH_BOARD_EVERY = 0.0
broadcaster.LEAST_REST = 0.001

from wsgi import app as app  # noqa: E402
