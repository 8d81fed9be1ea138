/** What a client prefers, by its Accept and Accept-Encoding headers (RFC 9110 §12.5). */

interface Preference {
  /** In lower case: `text/csv`, `gzip`, or with `*`. */
  readonly name: string;
  /** 0: not at all, to 1. */
  readonly weight: number;
}

/** Parts that are no preference are left out; parameters other than `q` are not told apart. */
function readPreferences(header: string): Preference[] {
  return header.split(",").flatMap((part) => {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    return name !== "" && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(quality) ? [{ name, weight: Number(quality) }] : [];
  });
}

/** What the first of the names that is mentioned weighs: names are given from the most specific to `*`. */
function weightOf(preferences: readonly Preference[], names: readonly string[]): number | undefined {
  for (const name of names) {
    const weights = preferences.filter((preference) => preference.name === name).map(({ weight }) => weight);
    if (weights.length > 0) return Math.max(...weights);
  }
  return undefined;
}

/**
 * The media type the client likes best, of equals the one offered first; null: none of them will do.
 * @param offered without parameters
 */
export function chooseMedia<Media extends string>(accept: string | null, offered: readonly Media[]): Media | null {
  if (accept === null || accept.trim() === "") return offered[0] ?? null;
  const preferences = readPreferences(accept);
  let best: { readonly media: Media; readonly weight: number } | undefined;
  for (const media of offered) {
    const weight = weightOf(preferences, [media, media.replace(/\/.*/, "/*"), "*/*"]) ?? 0;
    if (weight > (best?.weight ?? 0)) best = { media, weight };
  }
  return best?.media ?? null;
}

export type Coding = "zstd" | "gzip";
const CODINGS: readonly Coding[] = ["zstd", "gzip"];

/** The coding the client likes best, of equals the cheapest; null: as it is, which is never refused. */
export function chooseCoding(acceptEncoding: string | null): Coding | null {
  if (acceptEncoding === null) return null;
  const preferences = readPreferences(acceptEncoding);
  let best: { readonly coding: Coding | null; readonly weight: number } = {
    coding: null,
    weight: weightOf(preferences, ["identity"]) ?? 0,
  };
  for (const coding of CODINGS) {
    const weight = weightOf(preferences, [coding, "*"]) ?? 0;
    if (weight > best.weight || (weight === best.weight && weight > 0 && best.coding === null))
      best = { coding, weight };
  }
  return best.coding;
}

/** Whether If-None-Match names the tag, compared weakly: the client has it already. */
export function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, "");
  return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => opaque(tag) === opaque(etag));
}
