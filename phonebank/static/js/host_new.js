/* A party's time is told by the clocks of the place where it is made. */

const field = document.querySelector("[data-new-party] [name=time_zone]");
if (field && !field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
