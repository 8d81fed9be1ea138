/** Shows the state of the page, and announces it to screen readers: changes at once, numbers once a minute. */
const NUMBERS_MS = 60_000;
const byId = (id) => document.getElementById(id);
let numbersAt = 0;

export function say(text) {
  byId("announcement").textContent = text;
}

export function sayNumbers(text) {
  const now = performance.now();
  if (numbersAt !== 0 && now - numbersAt < NUMBERS_MS) return;
  numbersAt = now;
  say(text);
}

/** @param state connecting, live, waiting, offline or locked */
export function showState(state, text) {
  const place = byId("state");
  const changed = place.dataset.state !== state;
  place.dataset.state = state;
  byId("state-text").textContent = text;
  if (changed) say(text);
}
