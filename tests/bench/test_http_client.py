"""Tests the connections of the load's phones."""

import asyncio

from bench.http_client import NO_ANSWER, Connection


def test_a_connection_that_closed_before_its_request_gives_no_answer() -> None:
    async def send() -> object:
        connection = Connection()
        connection.connection_lost(None)
        return await connection.send(b"GET / HTTP/1.1\r\n\r\n")

    assert asyncio.run(send()) is NO_ANSWER
