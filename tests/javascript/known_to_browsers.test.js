/* Tests the lint of our JavaScript: it finds what Safari 14, Chrome 80 and Firefox 78 lack, and what a
   television's browser lacks. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";

const WITHOUT = !existsSync(new URL("../../node_modules/.ready", import.meta.url));
const skip = WITHOUT && "the linter is not installed (make lint installs it)";

async function countFaults(text, filePath = "phonebank/static/js/call.js") {
  const { ESLint } = await import("eslint");
  const [{ messages }] = await new ESLint().lintText(text, { filePath });
  return messages.length;
}

const NEWER = [
  "fetch('/', { signal: AbortSignal.timeout(5) });",
  "new FormData(document.forms[0], null);",
  "addEventListener('submit', (event) => event.submitter.click());",
  "[1].at(-1);",
  "document.body.replaceChildren();",
  "'a'.replaceAll('a', 'b');",
  "document.querySelector('p:not(.a, .b)');",
  "document.querySelector('p:has(a)');",
  "document.forms[0].requestSubmit();",
  "structuredClone({});",
  "let a = null; a ||= 3;",
  "Object.hasOwn({}, 'a');",
  "[1].findLast(() => 1);",
];
for (const text of NEWER) test(`newer than our browsers: ${text}`, { skip }, async () => assert.ok(await countFaults(text)));

test("what every browser of ours has is no fault", { skip }, async () => {
  const text = "for (const box of document.querySelectorAll('p:not(.a):not(.b)')) box.closest('form')?.append(box ?? '');";
  assert.equal(await countFaults(text), 0);
});

test("a module for televisions may use less", { skip }, async () => {
  const text = "document.body.append(document.body?.textContent);";
  assert.equal(await countFaults(text), 0);
  assert.ok(await countFaults(text, "phonebank/static/js/board.js"));
});
