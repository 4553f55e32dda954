/* Lets htmx put only our own answers into a page. A foreign answer could be a Wi-Fi log-in page that would
   appear where a list was. If the user pressed a button, the page says so in words; if the page asked
   automatically, it says nothing and asks again. */

const OURS = "X-Phonebank";
const FOREIGN =
  "That did not reach Phonebank: something else answered in its place, perhaps a Wi-Fi log-in page. " +
  "What you see is as it was. Try again.";

export const isOurs = (xhr) => Boolean(xhr.getResponseHeader(OURS));

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (isOurs(xhr)) return;
  event.preventDefault();
  if (requestConfig.verb !== "get" && !requestConfig.elt.closest("[data-tells-failures]")) showForeignNotice();
});

function showForeignNotice() {
  let notice = document.getElementById("foreign-answer");
  if (notice) notice.remove(); // a screen reader reads a new element out again
  notice = document.createElement("div");
  notice.id = "foreign-answer";
  notice.className = "flash flash-error";
  notice.setAttribute("role", "alert");
  notice.textContent = FOREIGN;
  document.getElementById("main").prepend(notice);
}

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const notice = document.getElementById("foreign-answer");
  if (notice && isOurs(event.detail.xhr)) notice.remove();
});
