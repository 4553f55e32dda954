/* On the caller's pages without a person: sends what an earlier page of this tab could not, such as an
   outcome tapped offline before the phone was reloaded. The call page does so itself: see call.js. */

import { Outbox, somethingWaits } from "./call_outbox.js";
import { showMessage } from "./caller_line.js";
import { errorIn } from "./our_answers.js";

const WAITS = "How your last call ended is saved on this phone. We'll send it as soon as we can.";
const NOT_SAVED = "How your last call ended wasn't saved.";
const SAVED = "How your last call ended is saved.";

function banner(words) {
  document.querySelector("[data-line-down]").textContent = words;
}

function answered(entry, answer, verdict) {
  if (outbox.entries.length === 0) banner("");
  if (verdict === "saved") {
    // Whoever asks how that call ended has been told.
    for (const question of document.querySelectorAll(".untold")) question.remove();
    if (entry.isOutcome) showMessage(SAVED, "");
  } else {
    showMessage(`${NOT_SAVED} ${entry.kind === "answer" ? errorIn(answer) : reasonIn(answer.text)}`, "");
  }
}

/* What an error page of ours says is wrong. */
function reasonIn(html) {
  const lead = new DOMParser().parseFromString(html, "text/html").querySelector(".sorry .lead");
  return lead ? lead.textContent.trim() : "";
}

let outbox = null;
if (somethingWaits()) {
  outbox = new Outbox({ answered, down: () => banner(WAITS), up: () => {} });
  outbox.send();
}
