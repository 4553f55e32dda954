"""Tests that a television left on holds no more after hours of events than it did at first."""

import os
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import CDPSession, Page, expect

from phonebank.core.db import db
from phonebank.live.board_snapshot import board_snapshot
from tests.phonebank.live.party_room import open_room

pytestmark = [pytest.mark.browser, pytest.mark.pages]

# Half an hour of the most that a process sends, two events a second. Six hours, 43,200 events, take
# minutes.
EVENTS = int(os.environ.get("EVENING_EVENTS") or 3_600)
WARM_UP = 1_000
# The share of growth after the warm-up that counts as none. Feed rows that stay would be at least
# 50 bytes an event.
GROWTH_AT_MOST = 150_000  # bytes

# Events come through the page's own line, as if the server had sent them.
KEEP_THE_LINE = """
const Real = window.WebSocket;
window.WebSocket = class extends Real {
    constructor(...all) { super(...all); window.line = this; }
};
"""
SEND = """
async ([first, count, board]) => {
    for (let number = first; number < first + count; number += 1) {
        const names = [`Sam ${number % 7}`, `Kit ${number % 11}`];
        const state = {
            ...board,
            version: board.version + 10 ** 10 * (number + 1),
            conversations: number,
            calls: 4 * number,
            yeses: number >> 2,
            last_ten: number % 50,
            active: number % 10,
            ringing: names.join(", "),
            hour: board.hour.map((_, bar) => (number * (bar + 3)) % 101),
            milestone: [0, 25, 50, 75, 100][Math.min(4, Math.floor((4 * number) / 40000))],
            goal: 40000,
            leaders: names.map((each, place) => (
                { place: place + 1, names: each, conversations: number - place })),
            feed: names.map((each, back) => ({
                at: Date.now() + number - back,
                text: `${each} had conversation ${number - back}`,
                moment: number % 100 === 0,
            })),
        };
        const data = `42/board,${JSON.stringify(["board", state])}`;
        window.line.dispatchEvent(new MessageEvent("message", { data }));
        // As often as a screen is drawn, give timers and drawing their turn.
        if (number % 200 === 0) await new Promise((done) => requestAnimationFrame(done));
    }
}
"""


def last(events: int) -> str:
    """The figure of calls after the last of so many events, as the page writes it."""
    return f"{4 * (events - 1):,}"


def in_use(page: Page, devtools: CDPSession) -> tuple[int, int]:
    """Bytes of the JavaScript heap after a collection, and nodes of the page."""
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    used = devtools.send("Runtime.getHeapUsage")["usedSize"]
    return used, page.evaluate("document.querySelectorAll('*').length")


@pytest.mark.timing
def test_events_leave_the_page_as_large_as_it_was(
    new_page: Callable[..., Page], app_context: Flask
) -> None:
    room = open_room(goal=40_000)
    db.session.commit()
    page = new_page(1920, 1080)
    wrong: list[object] = []
    page.on("pageerror", lambda error: wrong.append(error))
    page.add_init_script(KEEP_THE_LINE)
    page.goto(f"/board/{room.party.board_token}")
    # The line is up when an outcome comes over it.
    room.record(room.join("Sam"))
    db.session.commit()
    expect(page.locator("[data-figure=calls]")).to_have_text("1", timeout=15_000)
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.enable")
    board = board_snapshot(room.party.id)

    page.evaluate(SEND, [0, WARM_UP, board])
    expect(page.locator("[data-figure=calls]")).to_have_text(last(WARM_UP))
    heap, nodes = in_use(page, devtools)
    page.evaluate(SEND, [WARM_UP, EVENTS, board])
    expect(page.locator("[data-figure=calls]")).to_have_text(last(WARM_UP + EVENTS))
    heap_at_the_end, nodes_at_the_end = in_use(page, devtools)
    assert not wrong
    assert nodes_at_the_end == nodes
    assert heap_at_the_end - heap < GROWTH_AT_MOST
