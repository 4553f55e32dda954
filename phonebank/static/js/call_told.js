/* The form for what a person said about themselves. When the caller first opens that part of the call page,
   the page loads this module, and the module loads the form. The form is about the person who is on the
   screen at that moment. */

const ANSWER_WITHIN_MS = 15000;
const OFFLINE = "You're offline. Send it again when you're back online.";

const part = () => document.querySelector('details[data-load*="call_told"]');
const formOf = () => document.querySelector("details [data-told-form]");
const callOnScreen = () => document.querySelector("[data-call]").dataset.call;

async function fetchOurs(url, options) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_WITHIN_MS);
  try {
    const answer = await fetch(url, { ...options, signal: abort.signal });
    return answer.headers.has("X-Phonebank") ? answer : null;
  } catch (error) {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

async function showForm() {
  if (formOf()) return;
  const answer = await fetchOurs("/calling/told", { headers: { "X-Phonebank-Screen": "told" } });
  if (!answer || !answer.ok) return; // the link stays
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-told-form]");
  if (!fresh) return location.reload();
  if (formOf()) return;
  fresh.dataset.call = callOnScreen();
  const body = document.createElement("div");
  body.append(fresh);
  part().lastElementChild.replaceWith(body);
  fresh.elements.number.focus();
}

/* Empties the form if it was filled in for an earlier person. */
function empty() {
  const form = formOf();
  if (!form || form.dataset.call === callOnScreen()) return;
  form.reset();
  form.querySelector("[data-told-status]").textContent = "";
  form.dataset.call = callOnScreen();
}

async function send(form) {
  const status = form.querySelector("[data-told-status]");
  const about = form.dataset.call;
  const url = form.action.replace(/\/person\/[0-9a-f-]{36}\//, `/person/${about}/`);
  status.textContent = "Sending…";
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetchOurs(url, { method: "POST", body, headers: { Accept: "application/json" } });
  if (about !== form.dataset.call) return;
  if (!answer) return (status.textContent = OFFLINE);
  if ([401, 403].includes(answer.status)) return location.reload();
  const said = await answer.json();
  if (answer.ok) form.reset();
  status.textContent = answer.ok ? said.message : `${said.error.message} ${said.error.what_to_do}`.trim();
}

new MutationObserver(empty).observe(document.body, { subtree: true, attributeFilter: ["data-call"] });
// After an outcome's form was refused, the call page draws this part again.
document.addEventListener("toggle", ({ target }) => target === part() && target.open && showForm(), true);
document.addEventListener(
  "submit",
  (event) => {
    if (!event.target.matches("[data-told-form]")) return;
    event.preventDefault();
    // Without this, the call page would send the form like an outcome.
    event.stopImmediatePropagation();
    send(event.target);
  },
  true,
);
showForm();
