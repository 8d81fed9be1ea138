/** What a screen reader is told: changes of state at once, numbers seldom. */
const NUMBERS_MS = 60_000;
const byId = (id) => document.getElementById(id);
let numbersAt = 0;

export function say(text) {
  byId("said").textContent = text;
}

export function sayNumbers(text) {
  const now = performance.now();
  if (numbersAt !== 0 && now - numbersAt < NUMBERS_MS) return;
  numbersAt = now;
  say(text);
}

/** @param state asking, live, waiting, away or locked */
export function showState(state, text) {
  const place = byId("state");
  const changed = place.dataset.state !== state;
  place.dataset.state = state;
  byId("state-text").textContent = text;
  if (changed) say(text);
}
