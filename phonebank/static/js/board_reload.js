/* For televisions in whose browser board.js does not run, as it knows no modules: the page again,
   every ten seconds, if the server has one to give; a page that says it cannot be reached would stay.
   Written for browsers of 2010. */
(function () {
  function look() {
    if (document.documentElement.getAttribute("data-moves")) return;
    var request = new XMLHttpRequest();
    request.onload = function () {
      // Somebody else's page, such as a Wi-Fi log-in, would never come back here.
      if (request.status < 500 && request.getResponseHeader("X-Phonebank")) location.reload();
    };
    request.open("HEAD", location.href);
    request.send();
  }
  setInterval(look, 10000);
})();
