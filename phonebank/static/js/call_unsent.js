/* Sends what an earlier page of this tab could not send, such as an outcome that the caller tapped offline
   before a reload. Pages that show the caller no person use this module. On the call page, call.js does the same. */

import { Outbox, hasEntriesWaiting } from "./call_outbox.js";
import { showMessage } from "./caller_line.js";
import { errorIn } from "./our_answers.js";

const WAITS = "How your last call ended is saved on this phone. We'll send it as soon as we can.";
const NOT_SAVED = "How your last call ended wasn't saved.";
const SAVED = "How your last call ended is saved.";

function showBanner(words) {
  document.querySelector("[data-line-down]").textContent = words;
}

function answered(entry, answer, verdict) {
  if (outbox.entries.length === 0) showBanner("");
  if (verdict === "saved") {
    // The server knows now how that call ended, so the page need not ask.
    for (const question of document.querySelectorAll(".unrecorded")) question.remove();
    if (entry.isOutcome) showMessage(SAVED, "");
  } else {
    showMessage(`${NOT_SAVED} ${entry.kind === "answer" ? errorIn(answer) : reasonIn(answer.text)}`, "");
  }
}

/* Returns the reason that one of our error pages gives. */
function reasonIn(html) {
  const lead = new DOMParser().parseFromString(html, "text/html").querySelector(".sorry .lead");
  return lead ? lead.textContent.trim() : "";
}

let outbox = null;
if (hasEntriesWaiting()) {
  outbox = new Outbox({ answered, down: () => showBanner(WAITS), up: () => {} });
  outbox.send();
}
