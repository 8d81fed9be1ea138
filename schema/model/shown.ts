/** Formats a value for a message: as JSON without unprintable characters, cut to 100 characters. */
import { printable } from "./printable.ts";

const SHOWN_LENGTH = 100;

const cut = (text: string): string => (text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);

export const shown = (value: unknown): string =>
  printable(typeof value === "string" ? JSON.stringify(cut(value)) : cut(JSON.stringify(value) ?? String(value)));
