/** The commands on the page, with the address of the server and, if it requires a token, the header that carries it. */
/** How long a button shows the outcome of a copy. */
const SHOWN_MS = 2000;

export function fillCommands({ origin, needsToken }) {
  for (const place of document.querySelectorAll(".command .origin")) place.textContent = origin;
  const token = needsToken ? ` -H "authorization: Bearer $API_TOKEN"` : "";
  for (const place of document.querySelectorAll(".command .token")) place.textContent = token;
  document.getElementById("token-hint").hidden = !needsToken;
}

/** Returns false when the browser refuses both ways. It offers the clipboard to HTTPS and localhost only. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    try {
      return document.execCommand("copy");
    } finally {
      field.remove();
    }
  }
}

/** @param say announces a text to screen readers */
export function watchCopyButtons(say) {
  for (const button of document.querySelectorAll(".command button")) {
    const word = button.querySelector("span");
    let timer;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      const copied = await copy(code.textContent);
      button.focus();
      if (!copied) getSelection().selectAllChildren(code);
      word.textContent = copied ? "Copied" : "Press Ctrl+C";
      say(copied ? "Copied" : "The browser does not allow copying. The command is selected: press Ctrl+C");
      clearTimeout(timer);
      timer = setTimeout(() => {
        word.textContent = "Copy";
      }, SHOWN_MS);
    });
  }
}
