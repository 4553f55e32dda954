/* Fills in the browser's time zone, because a host usually makes a party where it takes place. */

const field = document.querySelector("[data-new-party] [name=time_zone]");
if (field && !field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
