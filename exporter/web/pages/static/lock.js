// Asks for the token, where one is needed.

import { ask, LockedError, setToken } from "./api.js";
import { byId, setText } from "./dom.js";

/** Resolves once a token is given that is right; it is kept until the tab is closed. */
export function unlock() {
  const [dialog, form, input] = [byId("lock"), byId("lock-form"), byId("token")];
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      const problem = await refusal(input.value.trim());
      setText(byId("token-problem"), problem);
      if (problem) return input.select();
      setToken(input.value.trim());
      input.value = "";
      dialog.close();
      return resolve();
    };
    dialog.oncancel = (event) => event.preventDefault();
    if (!dialog.open) dialog.showModal();
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
