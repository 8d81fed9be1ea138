/** The commands to copy: with this page's address, and a place for the token where the server wants one. */
const SHOWN_MS = 2000;

export function fillCommands({ origin, wantsToken }) {
  for (const place of document.querySelectorAll(".command .origin")) place.textContent = origin;
  const token = wantsToken ? ` -H "authorization: Bearer $API_TOKEN"` : "";
  for (const place of document.querySelectorAll(".command .token")) place.textContent = token;
  document.getElementById("token-hint").hidden = !wantsToken;
}

/** False: neither way is allowed here. The clipboard itself is there for HTTPS and localhost only. */
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
      say(copied ? "Copied" : "Copying is not allowed here: the command is selected, press Ctrl+C");
      clearTimeout(timer);
      timer = setTimeout(() => {
        word.textContent = "Copy";
      }, SHOWN_MS);
    });
  }
}
