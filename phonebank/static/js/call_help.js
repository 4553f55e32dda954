/* Asks for help without leaving the call: the script, the note and the place on the page stay. */

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    if (!form.matches("[data-ask-help]")) return;
    event.preventDefault();
    // The call page would send it as it sends outcomes, and draw itself anew.
    event.stopImmediatePropagation();
    const told = form.querySelector("[data-help-told]");
    told.textContent = "Telling your host…";
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form, event.submitter),
        headers: { Accept: "application/json" },
      });
      if ([401, 403].includes(answer.status)) return location.reload();
      const said = await answer.json();
      told.textContent = answer.ok ? said.message : `${said.error.message} ${said.error.what_to_do}`;
    } catch {
      told.textContent = "You are offline. Wave at your host.";
    }
  },
  true,
);
