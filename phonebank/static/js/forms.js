/* Reads what a form would send, and knows whether the browser is sending one. Safari before 15.4 lacks
   SubmitEvent.submitter, and Safari before 16.4 and Chrome before 112 lack FormData's second argument. */

const JUST_NOW_MS = 1000;
// If the server's answer takes longer than this, the page no longer waits for it, and may load itself again.
const ANSWERED_WITHIN_MS = 10000;
let sentAt = -Infinity;
let pressed = { button: null, at: 0 };

// This sees Enter in a field too, because browsers then click the form's first button.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("button, input[type=submit]");
    if (button) pressed = { button, at: Date.now() };
  },
  true,
);

/* Returns the button that sent the form, or null if the form has none. */
export function buttonOf(event) {
  if (event.submitter) return event.submitter;
  const form = event.target;
  if (pressed.button && pressed.button.form === form && Date.now() - pressed.at < JUST_NOW_MS) {
    return pressed.button;
  }
  return [...form.elements].find((element) => element.type === "submit" && !element.disabled) || null;
}

/* Returns the form's fields as [[name, value], …], with the name and value of the button. */
export function fieldsOf(form, button) {
  const fields = [...new FormData(form)];
  if (button && button.name) fields.push([button.name, button.value]);
  return fields;
}

// The window gets the event last. By then, code that sends the form itself has called preventDefault().
addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sentAt = Date.now();
});

/* Returns whether the browser is sending a form and will show the answer. If the page loaded itself again now,
   the person would not see that answer. */
export function isFormOnItsWay() {
  return Date.now() - sentAt < ANSWERED_WITHIN_MS;
}
