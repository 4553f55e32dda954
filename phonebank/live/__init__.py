"""Tallies → sockets: what boards, hosts and callers see move without reloading.

`signal` says that something changed, `board_reading` reads what boards show, `board` puts it into
words, `pump` sends it to the boards of this process, `telling` speaks to one caller's screens, and
`server` is the Socket.IO server that they share. docs/live-board.md tells the whole.
"""
