/* Tests the connection itself, as the board opens it: in whatever order the events come, the page shows a true
   state of the server, never an older one than before, and in the end the newest. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Phone } from "./phone.js";
import { open } from "../../phonebank/static/js/connection.js";

/* The server's end of the line, and the page's clock, which the test moves. */
class Server {
  constructor() {
    this.version = 10;
    this.questions = []; // snapshots asked for and not yet answered
    this.asked = 0;
    this.shown = []; // [version, whether it was drawn as a whole]
    this.heard = {};
    this.phone = new Phone([() => new Response("")]);
    this.phone.ticks = [];
    globalThis.setInterval = (run) => this.phone.ticks.push(run);
    globalThis.clearInterval = () => (this.phone.ticks = []);
    this.banner = { dataset: { lineDown: "down since {time}" }, textContent: "" };
    globalThis.document.querySelector = () => this.banner;
    const server = this;
    this.socket = {
      connected: false,
      active: true,
      io: { on() {}, engine: { close: () => server.cut("transport close") } },
      on: (name, act) => ((server.heard[name] ??= []).push(act)),
      onAny: (act) => (server.any = act),
      connect() {},
      disconnect: () => (server.socket.connected = false),
    };
    globalThis.window = { io: () => this.socket };
    this.line = open({
      namespace: "/board",
      event: "board",
      silentAfterMs: 8000,
      snapshot: () => this.snapshot(),
      show: (state, whole) => this.shown.push([state.version, whole]),
    });
  }

  fire(name, ...data) {
    for (const act of this.heard[name] || []) act(...data);
  }

  connect() {
    this.socket.connected = true;
    this.fire("connect");
  }

  cut(reason) {
    this.socket.connected = false;
    this.fire("disconnect", reason);
  }

  /* Sends an event about this version. Without `follows` it was made from the version before. */
  async send(version, follows) {
    this.any();
    this.fire("board", follows === undefined ? { version } : { version, follows });
    await this.phone.settle();
  }

  snapshot() {
    this.asked += 1;
    return new Promise((answer, fail) => this.questions.push({ answer, fail }));
  }

  /* Answers a snapshot that the page asked for, the oldest first. */
  async answer(version = this.version, question = this.questions.shift()) {
    question.answer({ version });
    await this.phone.settle();
  }

  /* Lets milliseconds go by, and runs the page's timers. */
  async wait(milliseconds) {
    for (let gone = 0; gone < milliseconds; gone += 500) {
      this.phone.now += 500;
      for (const [id, timer] of [...this.phone.timers]) {
        if (timer.at > this.phone.now) continue;
        this.phone.timers.delete(id);
        timer.run();
      }
      for (const tick of this.phone.ticks) tick();
      await this.phone.settle();
    }
  }
}

/* Opens a board that shows version 10. */
async function openBoard() {
  const server = new Server();
  server.connect();
  await server.answer();
  assert.deepEqual(server.shown, [[10, true]]);
  server.shown.length = 0;
  return server;
}

test("events are drawn as they come", async () => {
  const server = await openBoard();
  for (const version of [11, 12, 13]) await server.send(version);
  assert.deepEqual(server.shown, [[11, false], [12, false], [13, false]]);
  assert.equal(server.asked, 1);
});

test("an event that is old or sent twice is not drawn", async () => {
  const server = await openBoard();
  for (const version of [11, 11, 10, 9, 12]) await server.send(version);
  assert.deepEqual(server.shown, [[11, false], [12, false]]);
  assert.equal(server.asked, 1);
});

test("an event that follows what is shown is drawn, however far its version is", async () => {
  const server = await openBoard();
  await server.send(25, 10);
  await server.send(31, 25);
  assert.deepEqual(server.shown, [[25, false], [31, false]]);
});

test("an event made from an older version than the one shown is drawn, because it is whole", async () => {
  const server = await openBoard();
  await server.send(12, 9);
  assert.deepEqual(server.shown, [[12, false]]);
});

test("an event that leaves a gap is not drawn: the page asks for the whole state", async () => {
  const server = await openBoard();
  await server.send(13);
  assert.deepEqual([server.shown, server.asked], [[], 2]);
  await server.answer(13);
  assert.deepEqual(server.shown, [[13, true]]);
  await server.send(14);
  assert.deepEqual(server.shown.at(-1), [14, false]);
});

test("events out of order end at the newest, and never go back", async () => {
  const server = await openBoard();
  await server.send(12);
  await server.send(11);
  await server.send(13);
  assert.deepEqual(server.shown, []);
  await server.answer(13);
  await server.send(12);
  assert.deepEqual(server.shown, [[13, true]]);
});

test("an event waits while the page asks for the state; an event newer than the answer makes it ask again", async () => {
  const server = await openBoard();
  await server.send(12);
  await server.send(14);
  await server.answer(13);
  assert.deepEqual([server.shown, server.asked], [[[13, true]], 3]);
  await server.answer(14);
  assert.deepEqual(server.shown.at(-1), [14, true]);
});

test("a whole event is drawn even while the page asks for the state, and a stale answer then is not", async () => {
  const server = await openBoard();
  await server.send(12);
  await server.send(15, 0);
  assert.deepEqual(server.shown, [[15, false]]);
  await server.answer(13);
  assert.deepEqual(server.shown, [[15, false]]);
});

test("the answer to an older question is not drawn", async () => {
  const server = await openBoard();
  await server.send(12);
  server.cut("transport close");
  server.connect();
  const [first, second] = server.questions.splice(0);
  await server.answer(12, first);
  assert.deepEqual(server.shown, []);
  await server.answer(17, second);
  assert.deepEqual(server.shown, [[17, true]]);
});

test("the page asks again for a state that the server could not give, and events wait for it", async () => {
  const server = await openBoard();
  await server.send(12);
  server.questions.shift().fail(new Error("busy"));
  await server.phone.settle();
  await server.wait(2500);
  assert.equal(server.asked, 3);
  await server.send(13);
  await server.answer(13);
  assert.deepEqual(server.shown, [[13, true]]);
});

test("the page asks again when the server never answers", async () => {
  const server = await openBoard();
  await server.send(12);
  for (let seconds = 0; seconds < 11; seconds++) {
    await server.wait(1000);
    server.any(); // the server still sends, so the line is not down
  }
  assert.equal(server.asked, 3);
  await server.answer(12, server.questions.at(-1));
  assert.deepEqual(server.shown, [[12, true]]);
});

test("the page asks a server that is silent for too long, and reconnects without an answer", async () => {
  const server = await openBoard();
  await server.wait(8000);
  assert.equal(server.asked, 1);
  await server.wait(1000);
  assert.equal(server.asked, 2);
  await server.wait(2000);
  assert.equal(server.socket.connected, false);
  assert.match(server.banner.textContent, /^down since/);
  server.connect();
  await server.answer(20, server.questions.at(-1));
  assert.deepEqual([server.shown.at(-1), server.banner.textContent], [[20, true], ""]);
});

test("in whatever order events and answers come, nothing older is drawn and the newest is shown", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    let state = seed;
    const random = (below) => (state = (state * 48271) % 2147483647) % below;
    const server = await openBoard();
    const inFlight = [];
    for (let step = 0; step < 40; step++) {
      server.version += 1;
      inFlight.push([server.version, random(5) ? server.version - 1 : 0]);
      // The network loses some events, and delivers the others in any order.
      if (!random(6)) inFlight.splice(random(inFlight.length), 1);
      else if (random(3)) await server.send(...inFlight.splice(random(inFlight.length), 1)[0]);
      if (server.questions.length && random(2)) await server.answer(server.version - random(3));
    }
    // The server sends the whole board every four seconds, changed or not.
    await server.send(server.version, 0);
    const versions = server.shown.map(([version]) => version);
    assert.deepEqual(versions, [...versions].sort((a, b) => a - b), `seed ${seed}`);
    assert.equal(versions.at(-1), server.version, `seed ${seed}`);
  }
});
