/** Names commands as their reader can type them: `just NAME` is only for those who typed `just` before. */
import { readEnvironment } from "./environment.ts";

const RECIPE = /\bjust (?=(?:up|down|deploy|status|logs|system-test)\b)/g;

/** Replaces `just NAME` by a command that needs no just, unless the command was started by just. */
export const asTyped = (text: string): string =>
  readEnvironment().isFromJust ? text : text.replace(RECIPE, "npx -y bun run ");
