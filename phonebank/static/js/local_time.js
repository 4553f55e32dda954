/* Shows <time datetime data-local="time"> or ="moment" by the reader's own clock. Without this the
   page's own words stand, in UTC. */

const FORMATS = {
  time: { hour: "2-digit", minute: "2-digit" },
  moment: { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" },
};

export function showTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(element.dateTime);
    const today = new Date().toDateString() === moment.toDateString();
    const format = FORMATS[today ? "time" : "moment"];
    element.textContent = moment.toLocaleString(document.documentElement.lang, format);
  }
}

showTimes();
