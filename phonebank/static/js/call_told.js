/* The text to send, and the form for what a person said about themselves. When the caller first opens that
   part of the call page, the page loads this module, and the module loads the content of the part. The content is
   about the person who is on the screen at that moment. */

const ANSWER_WITHIN_MS = 15000;
const OFFLINE = "You're offline. Send it again when you're back online.";

const part = () => document.querySelector('details[data-load*="call_told"]');
const loaded = () => document.querySelector("[data-beside-call]");
const link = part().lastElementChild.cloneNode(true);

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

async function show() {
  if (loaded()) return;
  const answer = await fetchOurs("/calling/told", { headers: { "X-Phonebank-Screen": "told" } });
  if (!answer || !answer.ok) return; // the link stays
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-beside-call]");
  if (!fresh) return location.reload();
  if (loaded() || !part().open) return;
  part().lastElementChild.replaceWith(fresh);
  fresh.querySelector("a, input:not([type=hidden])").focus();
}

/* Removes the content, because another person is on the screen. */
function empty() {
  const old = loaded();
  if (old) old.replaceWith(link.cloneNode(true));
}

async function send(form) {
  const status = form.querySelector("[data-told-status]");
  status.textContent = "Sending…";
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetchOurs(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!answer) return (status.textContent = OFFLINE);
  if ([401, 403].includes(answer.status)) return location.reload();
  const said = await answer.json();
  if (answer.ok) form.reset();
  status.textContent = answer.ok ? said.message : `${said.error.message} ${said.error.what_to_do}`.trim();
}

new MutationObserver(empty).observe(document.body, { subtree: true, attributeFilter: ["data-call"] });
// After an outcome's form was refused, the call page is drawn again without the content. The content is loaded again
// when the caller opens the part.
document.addEventListener("toggle", ({ target }) => target === part() && target.open && show(), true);
document.addEventListener(
  "submit",
  (event) => {
    if (!event.target.matches("[data-beside-form]")) return;
    event.preventDefault();
    // Without this, the call page would send the form like an outcome.
    event.stopImmediatePropagation();
    send(event.target);
  },
  true,
);
show();
