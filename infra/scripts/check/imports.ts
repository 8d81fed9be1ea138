/** Finds the imports of a source file in its text: static, type-only, dynamic and re-exported ones. */
import { posix } from "node:path";

export interface Source {
  /** Path from the repository's root, e.g. `services/queue/port.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface SourceImport {
  /** As written: `ioredis`, `./port.ts`. */
  readonly specifier: string;
  /** Repository path of one of our own files; null for a package. */
  readonly target: string | null;
  readonly typeOnly: boolean;
}

/** Specifier reported for a dynamic import whose argument is not a literal. */
export const COMPUTED = "(computed)";

const STATIC = /^\s*(?:import|export)\b(\s+type\b)?[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm;
const BARE = /^\s*import\s*["']([^"']+)["']/gm;
const DYNAMIC = /\b(?:import|require|require\.resolve)\s*\(\s*(?:["'`]([^"'`$]+)["'`])?/g;

export function importsOf({ path, text }: Source): SourceImport[] {
  const found: { specifier: string; typeOnly: boolean }[] = [
    ...[...text.matchAll(STATIC)].map(([, type, specifier]) => ({
      specifier: specifier!,
      typeOnly: type !== undefined,
    })),
    ...[...text.matchAll(BARE)].map(([, specifier]) => ({ specifier: specifier!, typeOnly: false })),
    ...[...text.matchAll(DYNAMIC)].map(([, specifier]) => ({ specifier: specifier ?? COMPUTED, typeOnly: false })),
  ];
  return found.map(({ specifier, typeOnly }) => ({
    specifier,
    typeOnly,
    target: specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : null,
  }));
}

/** `@scope/name` or `name`, without a path inside the package. */
export const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
