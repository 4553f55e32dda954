/* Asks the host for help without leaving the call: the script, the note and the scroll position stay. */

import { buttonOf, fieldsOf } from "./forms.js";
import { ask, errorIn } from "./our_answers.js";

const ANSWER_WITHIN_MS = 15000;

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.matches("[data-ask-help]")) return;
    const fields = fieldsOf(form, buttonOf(event));
    const status = form.querySelector("[data-help-told]");
    event.preventDefault();
    // Without this, the call page would send the form like an outcome, and draw the whole page again.
    event.stopImmediatePropagation();
    tellHost(form.action, fields, status);
  },
  true,
);

// Loads the module of a part of the page when the caller opens the part. Only parts that few callers open have their
// own module. Browsers run a module only once.
document.addEventListener(
  "toggle",
  ({ target }) => {
    const src = target.dataset.load;
    if (src) document.head.append(Object.assign(document.createElement("script"), { type: "module", src }));
  },
  true,
);

async function tellHost(url, fields, status) {
  status.textContent = "Telling your host…";
  const sent = { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "application/json" } };
  const answer = await ask(url, sent, ANSWER_WITHIN_MS).catch(() => null);
  if (!answer || !answer.ours) {
    status.textContent = "We couldn't tell your host, because Phonebank can't be reached. Tell them yourself.";
  } else if ([401, 403].includes(answer.status)) {
    location.reload();
  } else {
    status.textContent = answer.ok ? JSON.parse(answer.text).message : errorIn(answer);
  }
}
