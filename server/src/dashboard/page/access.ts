/** Whether the hub lets the page in; asks for the token where it wants one. */
import { byId, setText } from "./dom.js";
import { keepToken, readToken } from "./kept.js";

const RETRY_MS = 1000;

/** Headers of a request to the hub. */
export function accessHeaders(): Record<string, string> {
  const token = readToken();
  return token === "" ? {} : { Authorization: `Bearer ${token}` };
}

/**
 * Waits until the hub answers and lets the page in.
 *
 * @param tellWaiting called while the hub can't be reached
 * @returns the token, undefined where none is needed
 */
export async function enter(tellWaiting: () => void): Promise<string | undefined> {
  let complaint = "";
  for (;;) {
    const answer = await fetch("/v1/topics?limit=1", { headers: accessHeaders() }).catch(() => undefined);
    if (answer === undefined || answer.status === 503) {
      tellWaiting();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    } else if (answer.status === 401 || answer.status === 429) {
      keepToken(await askForToken(readToken() === "" ? complaint : "The hub does not know this token."));
      complaint = "The hub does not know this token.";
    } else {
      const token = readToken();
      return token === "" ? undefined : token;
    }
  }
}

/** Shows the dialog until a token was typed in. */
function askForToken(complaint: string): Promise<string> {
  const dialog = byId("token-dialog", HTMLDialogElement);
  const input = byId("token", HTMLInputElement);
  setText(byId("token-error", HTMLElement), complaint);
  input.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    byId("token-form", HTMLFormElement).addEventListener("submit", () => resolve(input.value.trim()), { once: true });
  });
}
