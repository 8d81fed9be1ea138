/** A value as a message shows it: as JSON, and no more of it than helps. */

const SHOWN_LENGTH = 100;

const cut = (text: string): string => (text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);

export const shown = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(cut(value)) : cut(JSON.stringify(value) ?? String(value));
