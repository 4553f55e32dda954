/* Sends the page's CSRF token with everything that htmx posts, and gives it to modules that use fetch. */

export function csrfToken() {
  const meta = document.querySelector('meta[name="csrf"]');
  return meta ? meta.content : "";
}

/* Puts a fresh token into the page's meta element and its forms. */
export function setToken(token) {
  const meta = document.querySelector('meta[name="csrf"]');
  if (meta) meta.content = token;
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
}

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrfToken();
});
