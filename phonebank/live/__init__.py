"""Everything that boards, hosts and callers see change without reloading, from tallies to sockets.

`change_marks` says that something changed. `board_query` reads what boards show, `board_payload`
puts it into words, and `broadcaster` sends it to the boards of this process. `caller_events` speaks
to one caller's screens. `server` is the Socket.IO server that they share. docs/live-board.md
describes the whole.
"""
