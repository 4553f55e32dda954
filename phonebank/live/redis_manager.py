"""Socket.IO's Redis manager, with one change. The manager lets a process reach the sockets of all
other processes."""

from socketio import RedisManager


class DisconnectingRedisManager(RedisManager):
    """Socket.IO's Redis manager, changed so that closing a room disconnects the sockets in it, in
    every process.

    The library's own manager would leave the sockets open but send them no further events. When any
    process closes a room, the library calls `basic_close_room` in every process.
    """

    def basic_close_room(self, room: str, namespace: str) -> None:
        for sid, _ in list(self.get_participants(namespace, room)):
            self.server.disconnect(sid, namespace=namespace, ignore_queue=True)
