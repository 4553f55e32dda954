/* Reloads the board every ten seconds on televisions whose browser has no modules and so cannot run board.js.
   It reloads only if the server answers, because the browser's own error page would stay. It is written for
   browsers of 2010. */
(function () {
  function reloadIfReachable() {
    if (document.documentElement.getAttribute("data-moves")) return;
    var request = new XMLHttpRequest();
    request.onload = function () {
      // A foreign page, such as a Wi-Fi log-in, would never come back to the board.
      if (request.status < 500 && request.getResponseHeader("X-Phonebank")) location.reload();
    };
    request.open("HEAD", location.href);
    request.send();
  }
  setInterval(reloadIfReachable, 10000);
})();
