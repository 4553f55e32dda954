/* Tests the hold itself: only Phonebank's own answer renews a hold or ends it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CALL, cutShort, foreign, noAnswer, ours, Phone } from "./phone.js";
import { Hold } from "../../phonebank/static/js/call_hold.js";

const RENEW = `/calling/person/${CALL}/renew`;
const renewed = (left) => ours(200, { "X-Phonebank-Call": `${CALL} saved` }, JSON.stringify({ seconds_left: left }));
const gone = ours(404, { "X-Phonebank-Call": `${CALL} refused` });

function holdOn(network, secondsLeft = 300) {
  const phone = new Phone(network);
  phone.ticks = [];
  globalThis.setInterval = (check) => phone.ticks.push(check);
  globalThis.clearInterval = () => (phone.ticks = []);
  globalThis.document.removeEventListener = () => {};
  const said = [];
  const hold = new Hold(RENEW, secondsLeft, (words) => said.push(words));
  return { phone, hold, said };
}

/* Lets this many seconds go by, as the page's timer counts them. */
async function passSeconds(phone, many) {
  for (let second = 0; second < many; second++) {
    phone.now += 1000;
    for (const check of phone.ticks) check();
    await phone.settle();
  }
}

test("a hold is renewed every minute while the page is in sight", async () => {
  const { phone, said } = holdOn([renewed(300)]);
  await passSeconds(phone, 601);
  assert.equal(phone.sent.length, 10);
  assert.deepEqual(said, []);
});

const NO_VERDICT = { "no answer": noAnswer, "an answer cut short": cutShort, "our 500": ours(500), "our 503": ours(503) };
for (const status of [200, 403, 404, 407, 410, 451, 502]) NO_VERDICT[`a foreign ${status}`] = foreign(status);
NO_VERDICT["a foreign 503 that asks for five minutes"] = foreign(503, { "Retry-After": "300" });

for (const [what, meets] of Object.entries(NO_VERDICT)) {
  test(`${what}: the page keeps the hold, and asks again soon`, async () => {
    const { phone, hold, said } = holdOn([meets, meets, renewed(300)]);
    await passSeconds(phone, 100);
    assert.equal(phone.sent.length, 3);
    assert.deepEqual([hold.over, said], [false, []]);
  });
}

test("without an answer the pauses grow, and the warning comes in time", async () => {
  const { phone, hold, said } = holdOn([foreign(404)]);
  await passSeconds(phone, 271);
  assert.ok(phone.sent.length >= 6 && phone.sent.length <= 40, String(phone.sent.length));
  assert.deepEqual(said, ["This person goes back to the list in 30 seconds."]);
  phone.network = [renewed(300)];
  await hold.renew();
  assert.deepEqual(said.slice(1), [""]);
});

test("a page whose token is too old renews with a fresh one, or learns that the hold is gone", async () => {
  const stale = ours(400, { "X-Phonebank-Stale-Form": "1" });
  const fresh = ours(200, {}, JSON.stringify({ csrf_token: "of today" }));
  const kept = holdOn([stale, fresh, renewed(300)]);
  await passSeconds(kept.phone, 61);
  assert.deepEqual(kept.phone.sent.map(([url]) => url), [RENEW, "/calling", RENEW]);
  assert.equal(kept.phone.sent[2][1]["X-CSRFToken"], "of today");
  assert.equal(kept.hold.over, false);
  const lost = holdOn([stale, fresh, gone]);
  await passSeconds(lost.phone, 61);
  assert.match(lost.said[0], /has gone back to the list/);
});

test("Phonebank's own no ends the hold, and the page says so", async () => {
  const { phone, hold, said } = holdOn([gone]);
  await passSeconds(phone, 61);
  assert.equal(hold.over, true);
  assert.match(said[0], /has gone back to the list/);
});
