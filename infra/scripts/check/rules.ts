/** The architecture rules that Biome cannot express. Each rule takes source files and returns its violations. */
import type { Edges } from "./edges.ts";
import { COMPUTED, importsOf, packageOf, type Source, type SourceImport } from "./imports.ts";

export interface Rule {
  readonly name: string;
  /** One line per violation, `path: reason`, in the order of the sources. */
  violations(sources: readonly Source[]): string[];
}

/** Code that runs in production, the image's entry point included. */
const isProduct = (path: string): boolean => /^(schema|services|infra\/docker)\//.test(path);
const isCode = (path: string): boolean => path.endsWith(".ts");

function importRule(name: string, forbids: (path: string, found: SourceImport) => boolean): Rule {
  return {
    name,
    violations: (sources) =>
      sources
        .filter((source) => isCode(source.path))
        .flatMap((source) =>
          importsOf(source)
            .filter((found) => forbids(source.path, found))
            .map((found) => `${source.path}: ${found.specifier}`),
        ),
  };
}

function textRule(name: string, applies: (path: string) => boolean, pattern: RegExp): Rule {
  return {
    name,
    violations: (sources) =>
      sources.flatMap(({ path, text }) => {
        const match = applies(path) ? pattern.exec(text) : null;
        return match === null ? [] : [`${path}: ${match[0]}`];
      }),
  };
}

/** Drivers, and the only files that may import each. */
const DRIVER_HOMES: Readonly<Record<string, RegExp>> = {
  ioredis: /^services\/platform\/redis\/client\.ts$/,
  mongodb: /^services\/repository\/mongodb\//,
  "node:sqlite": /^services\/(repository\/sqlite\/|platform\/process\/folder-lock\.ts$)/,
};

const isGraphql = (name: string): boolean =>
  /^(graphql|graphql-.+|@graphql-.+\/.+|@pothos\/.+|@apollo\/.+|@theguild\/.+|@escape\.tech\/.+)$/.test(name);
const GRAPHQL_HOMES = /^services\/((inventory|telemetry|queue-service|api-gateway)\/|platform\/graphql\/)/;

/** Tests may import everything, so only these have rooms. */
const hasRoom = (path: string): boolean => /^(schema|services|infra|data)\//.test(path) && isCode(path);

/** The rules that follow from the table of edges. */
export const edgeRules = (edges: Edges): Rule[] => [
  {
    name: "every file belongs to a room of the table of edges",
    violations: (sources) =>
      sources
        .filter(({ path }) => hasRoom(path) && edges.roomOf(path) === null)
        .map(({ path }) => `${path}: services/LAYERS.md has no row for it`),
  },
  importRule("imports follow the table of edges", (path, { target, typeOnly }) => {
    const room = hasRoom(path) ? edges.roomOf(path) : null;
    if (room === null || target === null || !isCode(target)) return false;
    return edges.entryFor(room, target, typeOnly) === null;
  }),
];

const sameFace: Rule = {
  name: "a service has main.ts, config.ts and service.ts",
  violations: (sources) => {
    const paths = new Set(sources.map((source) => source.path));
    const folders = sources.flatMap(({ path }) => /^(services\/[^/]+\/)main\.ts$/.exec(path)?.[1] ?? []);
    return folders
      .flatMap((folder) => [`${folder}config.ts`, `${folder}service.ts`])
      .filter((path) => !paths.has(path))
      .map((path) => `${path}: missing`);
  },
};

/**
 * Biome formats code to this width and leaves comments alone. Exempt are lines that cannot be broken (addresses, the
 * schema annotations of values.yaml) and manifests, which indent the lines of the chart's files further.
 */
const MAX_COLUMNS = 120;
const COMMENT = /^\s*(\/\/|\/\*|\*|#|\{\{-?\s*\/\*)/;

const longComments: Rule = {
  name: `comment lines end at column ${MAX_COLUMNS}`,
  violations: (sources) =>
    sources.flatMap(({ path, text }) =>
      (path.startsWith("infra/k8s/") ? "" : text).split("\n").flatMap((line, index) => {
        const isLong = line.length > MAX_COLUMNS && COMMENT.test(line) && !/https?:\/\/\S{40}|# @schema /.test(line);
        return isLong ? [`${path}:${index + 1}: ${line.length} columns`] : [];
      }),
    ),
};

const namedAfterNothing: Rule = {
  name: "file names are nouns or verbs",
  violations: (sources) =>
    sources
      .filter(({ path }) =>
        path.split(/[/.-]/).some((part) => /^(utils?|helpers?|commons?|misc|types|constants)$/.test(part)),
      )
      .map(({ path }) => `${path}: the name says nothing`),
};

export const RULES: readonly Rule[] = [
  ...Object.entries(DRIVER_HOMES).map(([driver, home]) =>
    importRule(
      `only the adapter imports ${driver}`,
      (path, { specifier }) => isProduct(path) && packageOf(specifier) === driver && !home.test(path),
    ),
  ),
  importRule(
    "a port imports no package",
    (path, { target }) => /^services\/[^/]+\/port\.ts$/.test(path) && target === null,
  ),
  importRule(
    "import() names the module that it loads",
    (path, { specifier }) => isProduct(path) && specifier === COMPUTED,
  ),
  importRule(
    "only the subgraphs, the gateway and the platform's GraphQL room import GraphQL packages",
    (path, { specifier }) => isProduct(path) && isGraphql(packageOf(specifier)) && !GRAPHQL_HOMES.test(path),
  ),
  importRule(
    "the deployment scripts need no package, so that they run from a fresh clone",
    (path, { specifier, target }) =>
      path.startsWith("infra/scripts/deployment/") && target === null && !/^(node|bun):/.test(specifier),
  ),
  textRule(
    "only the platform's env.ts reads the environment",
    (path) => isProduct(path) && isCode(path) && path !== "services/platform/process/env.ts",
    new RegExp(
      [
        String.raw`\b(process|Bun|Deno)\s*(\?\.|\.|\[\s*["'])\s*env\b`,
        String.raw`\bimport\.meta\.env\b`,
        String.raw`\{[^{}]*\benv\b[^{}]*\}\s*(=\s*(process|Bun|Deno)\b|from\s*["'](node:)?process["'])`,
      ].join("|"),
    ),
  ),
  textRule("no code branches on the environment that it runs in", isProduct, /\bNODE_ENV\b/),
  longComments,
  textRule("no comment defers work", () => true, /\b(TO[D]O|FIX[M]E)\b/),
  sameFace,
  namedAfterNothing,
];
