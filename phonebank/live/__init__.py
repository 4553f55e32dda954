"""Sends changes to boards and to the screens of hosts and callers, so that nobody has to reload a
page. A board shows the figures of one party, for example on a television.

`change_marks` marks boards that have changed. `board_query` reads the figures that boards show, and
`board_payload` turns the figures into the data of an event. `broadcaster` sends the event to the
boards that are connected to this process. `caller_events` sends events to the screens of individual
callers. `server` is the Socket.IO server that these modules use. docs/live-board.md describes how
the modules work together.
"""
