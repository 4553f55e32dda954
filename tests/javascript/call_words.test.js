/* Tests what a page keeps of scripts, and what it shows in the slots of their words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Scripts, textOf } from "../../phonebank/static/js/call_words.js";

const OF_PAGE = { key: "a", first: "hello", main: "vote", steps: { hello: [[null, "vote"]], vote: [] } };
const OTHER = { key: "b", first: "hi", main: "why", steps: { hi: [[null, "why"]], why: [] } };
const WORDS = { steps: "<fieldset></fieldset>", cards: "", identification: "<p></p>" };

function scriptsOf(page) {
  const scripts = new Scripts();
  scripts.begin(page);
  return scripts;
}

test("a script of which only the contact's own steps come keeps the others", () => {
  const scripts = scriptsOf(OF_PAGE);
  const own = { key: "a", first: "vote", main: "vote", steps: { vote: [[["yes"], "hello"]] } };
  assert.equal(scripts.take({ script: own, words: null }), null);
  assert.deepEqual(scripts.shown, { ...own, steps: { hello: [[null, "vote"]], vote: [[["yes"], "hello"]] } });
  // The next contact's own steps replace them.
  scripts.take({ script: { ...own, steps: { vote: [] } }, words: null });
  assert.deepEqual(scripts.shown.steps, OF_PAGE.steps);
});

test("a script that came once need not come again, also after the other one", () => {
  const scripts = scriptsOf(OF_PAGE);
  assert.equal(scripts.told(), "2 a");
  assert.equal(scripts.take({ script: OTHER, words: WORDS }), WORDS);
  // The page's own words are gone now: the server sends them once more.
  assert.equal(scripts.told(), "2 b");
  assert.equal(scripts.take({ script: OF_PAGE, words: WORDS }), WORDS);
  assert.equal(scripts.told(), "2 a b");
  assert.equal(scripts.take({ script: { ...OTHER, steps: {} }, words: null }), WORDS);
  assert.deepEqual(scripts.shown, OTHER);
});

test("a page that came whole shows its own script, and keeps the others", () => {
  const scripts = scriptsOf(OF_PAGE);
  scripts.take({ script: OTHER, words: WORDS });
  scripts.begin(OF_PAGE);
  assert.equal(scripts.told(), "2 a b");
});

test("a script that the page lacks is an error, so that the page loads again", () => {
  assert.throws(() => scriptsOf(OF_PAGE).take({ script: { ...OTHER, steps: {} }, words: null }), TypeError);
});

test("a slot shows the value, or the words' own fallback, or the field's name", () => {
  const values = { first_name: "<b>Ada</b>" };
  assert.deepEqual(textOf("first_name", "there", values), ["<b>Ada</b>", true]);
  assert.deepEqual(textOf("last_name", "there", values), ["there", true]);
  assert.deepEqual(textOf("town", "", values), ["", true]);
  assert.deepEqual(textOf("last_name", undefined, values), ["[last name]", false]);
  // A field's name may be that of something which every object has.
  assert.deepEqual(textOf("constructor", undefined, values), ["[constructor]", false]);
});
