"""A version of Socket.IO's Redis manager, which links the sockets of all processes, with one
change."""

from socketio import RedisManager


class DisconnectingRedisManager(RedisManager):
    """Socket.IO's Redis manager, changed so that closing a room disconnects the sockets in it, in
    every process.

    The library's own manager would leave the sockets open but send them no further events. It calls
    `basic_close_room` in each process when a room is closed in any of them.
    """

    def basic_close_room(self, room: str, namespace: str) -> None:
        for sid, _ in list(self.get_participants(namespace, room)):
            self.server.disconnect(sid, namespace=namespace, ignore_queue=True)
