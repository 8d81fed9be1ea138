/**
 * Characters that show nothing of their own and change what is around them: control characters, which command terminals
 * and break lines, and marks of text direction, which make text read as another one.
 */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;
const ALL_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");

export const isPrintable = (text: string): boolean => !UNPRINTABLE.test(text);

const escaped = (character: string): string => {
  const json = JSON.stringify(character).slice(1, -1);
  return json === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : json;
};

/** Escapes unprintable characters as JSON does, so JSON stays the same value. */
export const printable = (text: string): string => text.replace(ALL_UNPRINTABLE, escaped);
