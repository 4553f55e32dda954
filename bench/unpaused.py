"""The web process of `bench.evening`. It does the work of six hours in a much shorter time.

The broadcaster is the part of a web process that sends each party's figures to the party's board, a
page on a television. `bench.unpaused` is the ordinary web process with one difference: its
broadcaster reads the figures of every board in each round, and pauses for a millisecond between two
rounds.
"""

from gevent import monkey

monkey.patch_all()

from phonebank.live import broadcaster  # noqa: E402  (sockets must be patched first)

broadcaster.ROUND = broadcaster.EACH_BOARD_EVERY = 0.0
broadcaster.LEAST_REST = 0.001

from wsgi import app as app  # noqa: E402
