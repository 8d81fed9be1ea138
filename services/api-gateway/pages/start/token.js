/** The token of a server that requires one. It is kept in this tab, and never shown. */
const KEY = "api-token";
const byId = (id) => document.getElementById(id);

export const keptToken = () => sessionStorage.getItem(KEY);

/** @param onToken called when a token has been entered or forgotten */
export function watchTokenForm(onToken) {
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, byId("token").value.trim());
    byId("token").value = "";
    byId("token-error").textContent = "";
    onToken();
  });
  byId("forget").addEventListener("click", () => {
    sessionStorage.removeItem(KEY);
    onToken();
  });
}

export function askForToken() {
  const wasGiven = keptToken() !== null;
  sessionStorage.removeItem(KEY);
  byId("forget").hidden = true;
  byId("token-form").hidden = false;
  byId("token-error").textContent = wasGiven ? "The server does not accept this token." : "";
  byId("token").focus();
}

/** Hides the form: the server has accepted the token, or requires none. */
export function acceptToken() {
  byId("token-form").hidden = true;
  byId("forget").hidden = keptToken() === null;
}
