/* Tests the waiting page: how often it asks. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { noAnswer, ours, Phone } from "./phone.js";

const WAIT = "/calling/wait";
const nobody = ours(200, {}, JSON.stringify({ person: null, key: "resting" }));
const busy = ours(503, { "Retry-After": "50" }, "{}");

/* Opens the waiting page, which asks every 30 seconds in the end. */
async function waitOn(network) {
  const phone = new Phone(network);
  const waiting = { dataset: { waiting: WAIT, askEvery: "30", reason: "resting" } };
  document.querySelector = (selector) => (selector === "[data-waiting]" ? waiting : null);
  globalThis.window = {};
  globalThis.location = { replace: (url) => (phone.went = url) };
  await import(`../../phonebank/static/js/caller_wait.js?page=${Math.random()}`);
  return phone;
}

async function questions(phone, many) {
  const asked = [];
  while (asked.length < many) {
    const before = phone.sent.length;
    await phone.next();
    if (phone.sent.length > before) asked.push(phone.now);
  }
  return asked.slice(1).map((at, i) => (at - asked[i]) / 1000);
}

test("the page asks at first every few seconds, and later every half minute", async () => {
  const pauses = await questions(await waitOn([nobody]), 12);
  assert.ok(pauses[0] > 3 && pauses[0] < 8, String(pauses));
  assert.ok(pauses.at(-1) > 22 && pauses.at(-1) < 38, String(pauses));
});

test("a busy server is asked again when it says, and not before", async () => {
  const pauses = await questions(await waitOn([busy, busy, nobody]), 4);
  assert.ok(pauses[0] >= 50 && pauses[1] >= 50 && pauses[0] <= 75, String(pauses));
  assert.ok(pauses[2] < 20, String(pauses));
});

test("a caller who has to be trained first stays on the page until the reason changes", async () => {
  const refused = (title) => ours(403, {}, JSON.stringify({ error: { title } }));
  const stays = await waitOn([refused("resting")]);
  for (let turn = 0; turn < 4; turn++) await stays.next();
  assert.deepEqual([stays.sent.length, stays.went], [4, undefined]);
  const phone = await waitOn([refused("resting"), refused("Not let in")]);
  while (phone.timers.size) await phone.next();
  assert.deepEqual([phone.sent.length, phone.went], [2, WAIT]);
});

test("without an answer the page goes on asking", async () => {
  assert.equal((await questions(await waitOn([noAnswer]), 5)).length, 4);
});
