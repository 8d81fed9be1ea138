/** Encodes series as field names: characters with a meaning in MongoDB's paths are percent-encoded. */
import type { Series } from "../../../../schema/model/reading.ts";

/** `%` itself, the dot of paths, the `$` of operators, and NUL, which ends a name. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: BSON ends names with NUL
const SPECIAL = /[%.$\u0000]/g;

const encoded = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

export const fieldOf = (series: Series): string => series.replace(SPECIAL, encoded);

export const seriesOfField = (field: string): Series =>
  field.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Series;
