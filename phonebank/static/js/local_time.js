/* Shows <time datetime data-local="time"> or ="moment" in the reader's time zone. Without JavaScript the
   page shows the server's words, in UTC. */

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
