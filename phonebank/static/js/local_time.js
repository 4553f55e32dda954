/* Shows each <time datetime data-local> in the reader's time zone. With data-local="coming", the time is in words,
   like “on Sunday at 10:00”. Otherwise a time today is shown without its day, and any other time with its day, and
   with its year if that is another year. With data-local="short", the day is short enough for a table.
   Without JavaScript the page shows the server's words, which name their zone. */

const FORMATS = {
  time: { hour: "2-digit", minute: "2-digit" },
  moment: { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" },
  short: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
};

export function showTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(element.dateTime);
    if (element.dataset.local === "coming") {
      element.textContent = describeComing(moment);
      continue;
    }
    const format = formatOf(moment, element.dataset.local);
    element.textContent = moment.toLocaleString(document.documentElement.lang, format);
  }
}

function formatOf(moment, kind) {
  const now = new Date();
  if (now.toDateString() === moment.toDateString()) return FORMATS.time;
  const year = now.getFullYear() === moment.getFullYear() ? {} : { year: "numeric" };
  return { ...(kind === "short" ? FORMATS.short : FORMATS.moment), ...year };
}

/* Returns “at 18:40”, “tomorrow at 10:00”, “on Sunday at 10:00” or “on Sunday 6 December at 10:00”. */
function describeComing(moment) {
  const words = (format) => moment.toLocaleString("en-GB", format);
  const at = `at ${words(FORMATS.time)}`;
  // A day with a change of the clocks is an hour shorter or longer.
  const days = Math.round((midnightOf(moment) - midnightOf(new Date())) / 86_400_000);
  if (days === 0) return at;
  if (days === 1) return `tomorrow ${at}`;
  const day = days < 7 ? {} : { day: "numeric", month: "long" };
  return `on ${words({ weekday: "long", ...day })} ${at}`;
}

function midnightOf(moment) {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
}

showTimes();
