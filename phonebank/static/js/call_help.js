/* Asks for help without leaving the call: the script, the note and the place on the page stay. */

import { buttonOf, fieldsOf } from "./forms.js";
import { ask, errorIn } from "./our_answers.js";

const ANSWER_WITHIN_MS = 15000;

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.matches("[data-ask-help]")) return;
    const fields = fieldsOf(form, buttonOf(event));
    const told = form.querySelector("[data-help-told]");
    event.preventDefault();
    // The call page would send it as it sends outcomes, and draw itself anew.
    event.stopImmediatePropagation();
    tellHost(form.action, fields, told);
  },
  true,
);

async function tellHost(url, fields, told) {
  told.textContent = "Telling your host…";
  const sent = { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "application/json" } };
  const answer = await ask(url, sent, ANSWER_WITHIN_MS).catch(() => null);
  if (!answer || !answer.ours) {
    told.textContent = "You're offline, so we couldn't tell your host. Wave at them.";
  } else if ([401, 403].includes(answer.status)) {
    location.reload();
  } else {
    told.textContent = answer.ok ? JSON.parse(answer.text).message : errorIn(answer);
  }
}
