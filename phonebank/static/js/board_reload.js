/* For televisions whose browser knows no modules: the page again, every ten seconds. */
setTimeout(function () {
  location.reload();
}, 10000);
