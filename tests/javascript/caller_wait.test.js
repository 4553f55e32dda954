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

test("without an answer the page goes on asking", async () => {
  assert.equal((await questions(await waitOn([noAnswer]), 5)).length, 4);
});
