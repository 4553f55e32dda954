/* Tests the outbox itself: what leaves it, what never does, and how it tries again. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ANSWER, CALL, cutShort, foreign, noAnswer, OTHER_CALL, ours, OUTCOME, Phone, refused, saved, silence } from "./phone.js";
import { callIn, Outbox, hasEntriesWaiting } from "../../phonebank/static/js/call_outbox.js";

const HTTP_ERRORS = [400, 401, 403, 404, 405, 407, 408, 409, 410, 413, 418, 421, 422, 425, 426, 429, 431, 451];
const SERVER_ERRORS = [500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 530, 599];

function boxOf(phone) {
  const heard = { settled: [], down: 0, up: 0 };
  const box = new Outbox({
    answered: (entry, answer, verdict) => heard.settled.push([entry.kind, verdict, answer.text]),
    down: () => heard.down++,
    up: () => heard.up++,
  });
  return { box, heard };
}

/* Every kind of answer that is neither Phonebank's yes nor its no about this call. */
const NO_VERDICT = {
  "no answer": noAnswer,
  "no answer in time": silence,
  "an answer cut short": cutShort,
  "our answer about another call": ours(200, { "X-Phonebank-Call": `${OTHER_CALL} saved` }),
  "our answer that names no call": ours(200),
  "our 303 to another page, followed": ours(200, {}, "<main>Before you call</main>"),
  "the log-in page of a café": foreign(200),
  "an empty answer": () => new Response(null, { status: 204 }),
  "a foreign yes": foreign(200, { "X-Phonebank-Call": `${CALL} saved` }),
};
for (const status of [...HTTP_ERRORS, ...SERVER_ERRORS]) NO_VERDICT[`a foreign ${status}`] = foreign(status);
for (const status of [408, 425, 429, 500, 503]) NO_VERDICT[`our own ${status}`] = ours(status);

for (const [what, meets] of Object.entries(NO_VERDICT)) {
  test(`${what}: the outcome is kept and sent again`, async () => {
    const phone = new Phone([meets, meets, saved("the next person")]);
    const { box, heard } = boxOf(phone);
    box.add(OUTCOME);
    await phone.settle();
    if (meets === silence) await phone.next();
    assert.deepEqual(JSON.parse(phone.store["phonebank.outbox"]), [OUTCOME]);
    assert.deepEqual(heard.settled, []);
    while (box.entries.length) await phone.next();
    assert.deepEqual(heard.settled, [["screen", "saved", "the next person"]]);
    assert.equal(phone.sent.length, 3);
    assert.deepEqual(phone.store, {});
  });
}

test("no number of failures of any kind discards an outcome", async () => {
  const kinds = Object.values(NO_VERDICT).filter((meets) => meets !== silence);
  const phone = new Phone([...Array(9).fill(noAnswer), ours(500), ...Array.from({ length: 400 }, (_, at) => kinds[at % kinds.length]), saved()]);
  const { box, heard } = boxOf(phone);
  box.add(OUTCOME);
  for (let tries = 0; tries < 410; tries++) {
    assert.deepEqual(box.entries, [OUTCOME]);
    await phone.next();
  }
  assert.equal(heard.settled.length, 1);
});

test("our no about this call ends it, with the reason", async () => {
  for (const status of [401, 403, 404, 409, 410, 413, 422]) {
    const phone = new Phone([refused(status, "because")]);
    const { box, heard } = boxOf(phone);
    box.add(OUTCOME);
    await phone.settle();
    assert.deepEqual([box.entries, heard.settled], [[], [["screen", "refused", "because"]]]);
  }
});

test("pauses grow, are never the same for two phones, and stay under a minute", async () => {
  const pausesOf = async () => {
    const phone = new Phone([ours(503)]);
    boxOf(phone).box.add(OUTCOME);
    for (let tries = 0; tries < 12; tries++) await phone.next();
    return phone.pauses;
  };
  const [one, two] = [await pausesOf(), await pausesOf()];
  assert.ok(one.every((pause, at) => pause !== two[at]));
  assert.ok(one[0] <= 1500);
  assert.ok(Math.min(...one.slice(6)) > 3 * one[0]);
  assert.ok(Math.max(...one) <= 60_000);
});

test("the outbox waits for Retry-After, in seconds or as a date, even when the caller looks at the phone", async () => {
  for (const after of [() => "20", (phone) => new Date(phone.now + 20_000).toUTCString()]) {
    const phone = new Phone([noAnswer]);
    phone.network = [ours(503, { "Retry-After": after(phone) }), saved()];
    const { box } = boxOf(phone);
    box.add(OUTCOME);
    await phone.settle();
    phone.listeners.online();
    await phone.settle();
    assert.equal(phone.sent.length, 1);
    await phone.next();
    assert.ok(phone.pauses[0] >= 19_000 && phone.pauses[0] <= 30_000, String(phone.pauses[0]));
    assert.deepEqual(box.entries, []);
  }
});

test("a foreign Retry-After delays nothing", async () => {
  const phone = new Phone([foreign(503, { "Retry-After": "300" }), saved()]);
  const { box } = boxOf(phone);
  box.add(OUTCOME);
  await phone.settle();
  const [pause] = [...phone.timers.values()].map((timer) => timer.wait);
  assert.ok(pause <= 2000, String(pause));
  phone.listeners.online();
  await phone.settle();
  assert.deepEqual(box.entries, []);
});

test("the outbox sends at once when the network is back", async () => {
  const phone = new Phone([noAnswer, saved()]);
  const { box, heard } = boxOf(phone);
  box.add(OUTCOME);
  await phone.settle();
  assert.deepEqual([heard.down, heard.up], [1, 0]);
  phone.listeners.online();
  await phone.settle();
  assert.deepEqual([box.entries, heard.up], [[], 1]);
});

test("the outbox sends entries one at a time, in the order of the taps", async () => {
  const phone = new Phone([foreign(404), saved(), saved()]);
  const { box, heard } = boxOf(phone);
  box.add(ANSWER);
  box.add(OUTCOME);
  while (box.entries.length) await phone.next();
  await phone.settle();
  assert.deepEqual(heard.settled.map(([kind]) => kind), ["answer", "screen"]);
  assert.deepEqual(phone.sent.map(([url]) => url), [ANSWER.url, ANSWER.url, OUTCOME.url]);
});

test("entries survive a reload", async () => {
  const phone = new Phone([noAnswer]);
  boxOf(phone).box.add(OUTCOME);
  await phone.settle();
  const { store } = phone;
  const reloaded = new Phone([saved()]);
  reloaded.store = store;
  const { box, heard } = boxOf(reloaded);
  box.send();
  await reloaded.settle();
  assert.deepEqual([heard.settled.length, reloaded.store], [1, {}]);
});

test("in a browser that stores nothing, the page keeps the entry", async () => {
  const phone = new Phone([noAnswer, saved()]);
  const full = () => {
    throw new DOMException("no", "QuotaExceededError");
  };
  Object.assign(globalThis.sessionStorage, { getItem: full, setItem: full, removeItem: full });
  const { box, heard } = boxOf(phone);
  box.add(OUTCOME);
  await phone.next();
  assert.deepEqual([box.entries, heard.settled.length], [[], 1]);
});

test("a form whose token grew too old is sent again with a fresh one", async () => {
  const stale = ours(400, { "X-Phonebank-Stale-Form": "1" });
  const phone = new Phone([stale, ours(200, {}, '{"csrf_token": "of today"}'), saved()]);
  const { box, heard } = boxOf(phone);
  box.add(OUTCOME);
  await phone.settle();
  assert.deepEqual([box.entries, heard.settled.length], [[], 1]);
  assert.equal(phone.sent[2][1]["X-CSRFToken"], "of today");
});

test("the outbox takes no fresh token from a foreign answer, and keeps the outcome", async () => {
  const stale = ours(400, { "X-Phonebank-Stale-Form": "1" });
  const phone = new Phone([stale, foreign(200), stale, ours(401), stale, ours(200, {}, '{"csrf_token": "t"}'), saved()]);
  const { box, heard } = boxOf(phone);
  box.add(OUTCOME);
  await phone.settle();
  assert.equal(phone.meta.content, "of yesterday");
  while (box.entries.length) await phone.next();
  assert.equal(heard.settled.length, 1);
});

test("in a browser that cannot send, the outbox takes nothing and the browser sends the form", async () => {
  for (const lacks of ["fetch", "AbortController", "URLSearchParams"]) {
    const phone = new Phone([saved()]);
    const { box } = boxOf(phone);
    const had = globalThis[lacks];
    globalThis[lacks] = undefined;
    assert.throws(() => box.add(OUTCOME), TypeError);
    globalThis[lacks] = had;
    assert.deepEqual([box.entries, phone.store], [[], {}]);
  }
});

test("the outbox reads what another page of this tab left, and nothing that is not an outbox", () => {
  const phone = new Phone([noAnswer]);
  assert.equal(hasEntriesWaiting(), false);
  phone.store["phonebank.outbox"] = JSON.stringify([OUTCOME]);
  assert.equal(hasEntriesWaiting(), true);
  phone.store["phonebank.outbox"] = "[{";
  assert.equal(hasEntriesWaiting(), false);
  assert.deepEqual(boxOf(phone).box.entries, []);
});

test("callIn reads the call that an address names, or none", () => {
  assert.equal(callIn(OUTCOME.url), CALL);
  assert.equal(callIn(ANSWER.url), CALL);
  for (const url of ["/calling/person", `/calling/person/${CALL}`, "/calling/person/7/outcome"]) assert.equal(callIn(url), "");
});

test("an outcome asks for the next page, an answer for JSON, and both with the form's token", async () => {
  const phone = new Phone([saved()]);
  const { box } = boxOf(phone);
  box.add(ANSWER);
  box.add(OUTCOME);
  await phone.settle();
  const [answer, outcome] = phone.sent;
  assert.deepEqual(answer[1], { Accept: "application/json", "X-CSRFToken": "of yesterday" });
  assert.deepEqual(outcome[1], { Accept: "text/html", "X-CSRFToken": "of yesterday", "X-Phonebank-Screen": "1" });
  assert.deepEqual([answer[2], outcome[2]], ["step_id=a&answer=1", "outcome=busy"]);
});

test("a page that has scripts tells the server which ones it has when it sends", async () => {
  const phone = new Phone([noAnswer, saved()]);
  let has = "2 first";
  const box = new Outbox({ answered() {}, down() {}, up() {}, heldScripts: () => has });
  box.add(ANSWER);
  box.add(OUTCOME);
  await phone.settle();
  has = "2 second";
  while (box.entries.length) await phone.next();
  assert.deepEqual(phone.sent.map(([, headers]) => headers["X-Phonebank-Screen"]), [undefined, undefined, "2 second"]);
});

test("the browser asks before the caller leaves a page with unsent entries", async () => {
  const phone = new Phone([noAnswer, saved()]);
  const { box } = boxOf(phone);
  const leave = () => {
    const event = { asked: false, preventDefault: () => (event.asked = true) };
    phone.listeners.beforeunload(event);
    return event.asked;
  };
  assert.equal(leave(), false);
  box.add(OUTCOME);
  await phone.settle();
  assert.equal(leave(), true);
  await phone.next();
  assert.equal(leave(), false);
});

test("it tries again when the caller looks at the page, and not when they look away or while it is sending", async () => {
  const phone = new Phone([noAnswer, silence]);
  const { box } = boxOf(phone);
  box.add(OUTCOME);
  await phone.settle();
  globalThis.document.hidden = true;
  phone.listeners.visibilitychange();
  await phone.settle();
  assert.equal(phone.sent.length, 1);
  globalThis.document.hidden = false;
  for (const event of ["visibilitychange", "pageshow", "online"]) phone.listeners[event]();
  await phone.settle();
  assert.equal(phone.sent.length, 2);
});

test("a page that fails over one answer still gets the next", async () => {
  const phone = new Phone([saved()]);
  phone.store["phonebank.outbox"] = JSON.stringify([ANSWER, OUTCOME]);
  const settled = [];
  const box = new Outbox({
    answered(entry) {
      settled.push(entry.kind);
      if (entry.kind === "answer") throw new Error("the page stumbled");
    },
    down() {},
    up() {},
  });
  await assert.rejects(box.send(), /the page stumbled/);
  await phone.settle();
  assert.deepEqual([settled, box.entries, phone.store], [["answer", "screen"], [], {}]);
});

test("has() finds a waiting entry", () => {
  const phone = new Phone([silence]);
  const { box } = boxOf(phone);
  box.add(OUTCOME);
  assert.deepEqual([box.has(({ kind }) => kind === "screen"), box.has(({ kind }) => kind === "answer")], [true, false]);
});

test("whatever the network does, each outcome is settled once and only after the server stored it", async () => {
  const kinds = Object.values(NO_VERDICT).filter((meets) => meets !== silence);
  for (let seed = 1; seed <= 40; seed++) {
    let state = seed;
    const random = (below) => (state = (state * 48271) % 2147483647) % below;
    const stored = new Set();
    const server = (url, { body }) => {
      stored.add(String(body));
      return random(3) ? saved()() : kinds[random(kinds.length)](); // stored, and the answer lost
    };
    const phone = new Phone([(url, options) => (random(3) ? kinds[random(kinds.length)]() : server(url, options))]);
    const settled = [];
    const box = new Outbox({
      answered(entry) {
        assert.ok(stored.has(String(new URLSearchParams(entry.fields))), `seed ${seed}`);
        settled.push(entry.number);
      },
      down() {},
      up() {},
    });
    for (let number = 0; number < 5; number++) box.add({ ...OUTCOME, number, fields: [["note", number]] });
    while (box.entries.length) await phone.next();
    assert.deepEqual(settled, [0, 1, 2, 3, 4], `seed ${seed}`);
  }
});

test("what only asks for the next person is not sent again by another page", async () => {
  const phone = new Phone([noAnswer, saved("the next person")]);
  const { box, heard } = boxOf(phone);
  box.add({ ...OUTCOME, isSaved: true });
  await phone.settle();
  assert.deepEqual(phone.store, {});
  while (box.entries.length) await phone.next();
  assert.deepEqual(heard.settled, [["screen", "saved", "the next person"]]);
});
