/** Content negotiation by the Accept and Accept-Encoding headers (RFC 9110 §12.5), and If-None-Match. */

interface Preference {
  /** In lower case, such as `text/csv` or `gzip`. May contain `*`. */
  readonly name: string;
  /** From 0 (refused) to 1 (preferred). */
  readonly weight: number;
}

/** Skips malformed parts of the header, and ignores parameters other than `q`. */
function readPreferences(header: string): Preference[] {
  return header.split(",").flatMap((part) => {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    return name !== "" && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(quality) ? [{ name, weight: Number(quality) }] : [];
  });
}

/** Returns the weight of the first name that the header mentions. `names` go from the most specific to `*`. */
function weightOf(preferences: readonly Preference[], names: readonly string[]): number | undefined {
  for (const name of names) {
    const weights = preferences.filter((preference) => preference.name === name).map(({ weight }) => weight);
    if (weights.length > 0) return Math.max(...weights);
  }
  return undefined;
}

/**
 * Returns the offered media type that the client prefers, or null when it accepts none of them. Among types of equal
 * weight, the first in `offered` wins.
 * @param offered media types without parameters
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

/**
 * Returns the coding that the client prefers; null means uncompressed. At equal weight, zstd wins over gzip, and both
 * win over no coding. If the client accepts nothing, not even `identity`, the answer is sent uncompressed.
 */
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

/** Whether If-None-Match names the tag (weak comparison): then the client has this representation already. */
export function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, "");
  return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => opaque(tag) === opaque(etag));
}
