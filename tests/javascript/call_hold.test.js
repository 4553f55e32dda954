/* js/call_hold.js itself: only Phonebank's own word renews a hold or ends it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CALL, cutShort, foreign, nobody, ours, Phone } from "./phone.js";
import { Hold } from "../../phonebank/static/js/call_hold.js";

const RENEW = `/calling/person/${CALL}/renew`;
const renewed = (left) => ours(200, { "X-Phonebank-Call": `${CALL} saved` }, JSON.stringify({ seconds_left: left }));
const gone = ours(404, { "X-Phonebank-Call": `${CALL} refused` });

function holdOn(network, secondsLeft = 300) {
  const phone = new Phone(network);
  phone.ticks = [];
  globalThis.setInterval = (look) => phone.ticks.push(look);
  globalThis.clearInterval = () => (phone.ticks = []);
  globalThis.document.removeEventListener = () => {};
  const said = [];
  const hold = new Hold(RENEW, secondsLeft, (words) => said.push(words));
  return { phone, hold, said };
}

/* Let seconds go by as the page's timer counts them. */
async function seconds(phone, many) {
  for (let second = 0; second < many; second++) {
    phone.now += 1000;
    for (const look of phone.ticks) look();
    await phone.settle();
  }
}

test("a hold is renewed every minute while somebody looks", async () => {
  const { phone, said } = holdOn([renewed(300)]);
  await seconds(phone, 601);
  assert.equal(phone.sent.length, 10);
  assert.deepEqual(said, []);
});

const NOT_THE_LAST_WORD = { nobody, cutShort, "our 500": ours(500), "our 503": ours(503) };
for (const status of [200, 403, 404, 407, 410, 451, 502]) NOT_THE_LAST_WORD[`somebody else's ${status}`] = foreign(status);
NOT_THE_LAST_WORD["somebody else's 503 that asks for five minutes"] = foreign(503, { "Retry-After": "300" });

for (const [what, meets] of Object.entries(NOT_THE_LAST_WORD)) {
  test(`${what}: the hold is not taken for lost, and asked for again soon`, async () => {
    const { phone, hold, said } = holdOn([meets, meets, renewed(300)]);
    await seconds(phone, 100);
    assert.equal(phone.sent.length, 3);
    assert.deepEqual([hold.over, said], [false, []]);
  });
}

test("while nobody answers the pauses grow, and the warning comes in time", async () => {
  const { phone, hold, said } = holdOn([foreign(404)]);
  await seconds(phone, 271);
  assert.ok(phone.sent.length >= 6 && phone.sent.length <= 40, String(phone.sent.length));
  assert.deepEqual(said, ["This person goes back to the list in 30 seconds."]);
  phone.network = [renewed(300)];
  await hold.renew();
  assert.deepEqual(said.slice(1), [""]);
});

test("a page whose token grew too old renews with a fresh one, or hears that the person is gone", async () => {
  const stale = ours(400, { "X-Phonebank-Stale-Form": "1" });
  const fresh = ours(200, {}, JSON.stringify({ csrf_token: "of today" }));
  const kept = holdOn([stale, fresh, renewed(300)]);
  await seconds(kept.phone, 61);
  assert.deepEqual(kept.phone.sent.map(([url]) => url), [RENEW, "/calling", RENEW]);
  assert.equal(kept.phone.sent[2][1]["X-CSRFToken"], "of today");
  assert.equal(kept.hold.over, false);
  const lost = holdOn([stale, fresh, gone]);
  await seconds(lost.phone, 61);
  assert.match(lost.said[0], /has gone back to the list/);
});

test("Phonebank's own no ends it, in words", async () => {
  const { phone, hold, said } = holdOn([gone]);
  await seconds(phone, 61);
  assert.equal(hold.over, true);
  assert.match(said[0], /has gone back to the list/);
});
