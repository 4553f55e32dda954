"""Socket.IO's record of connected sockets across processes, with one change of ours."""

from socketio import RedisManager


class DisconnectingRedisManager(RedisManager):
    """The Redis manager of Socket.IO, changed so that closing a room disconnects the sockets in it,
    in every process.

    The library would leave the sockets open, and no event would reach them. It calls
    `basic_close_room` in each process when a room is closed in any of them.
    """

    def basic_close_room(self, room: str, namespace: str) -> None:
        for sid, _ in list(self.get_participants(namespace, room)):
            self.server.disconnect(sid, namespace=namespace, ignore_queue=True)
