// Asks for the token, where one is needed.

import { ask, LockedError, setToken } from "./api.js";
import { byId, setHidden, setText } from "./dom.js";

/** Opens the dialog, or opens it again where somebody closed it. */
function open() {
  if (!byId("lock").open) byId("lock").showModal();
}

/** Resolves once a token is given that is right; it is kept until the tab is closed. */
export function unlock() {
  const [dialog, form, input, button] = [byId("lock"), byId("lock-form"), byId("token"), byId("unlock")];
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      const problem = await refusal(input.value.trim());
      setText(byId("token-problem"), problem);
      if (problem) return input.select();
      setToken(input.value.trim());
      input.value = "";
      dialog.onclose = null;
      dialog.close();
      setHidden(button, true);
      return resolve();
    };
    button.onclick = open;
    setHidden(button, false);
    dialog.onclose = () => button.focus(); // a browser lets nobody keep it open for good
    open();
  });
}

/** Why a token is not taken; nothing where it is. */
async function refusal(given) {
  try {
    await ask("api/targets", given);
    return "";
  } catch (error) {
    if (error instanceof LockedError) return "This is not the token of web.bearer_token.";
    if (error instanceof TypeError) return "The exporter cannot be reached, or this is no token.";
    return `This cannot be checked now: ${error.message}`;
  }
}
