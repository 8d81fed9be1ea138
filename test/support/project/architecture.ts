/** The rules of the house that Biome cannot see. Each takes sources and names what breaks it. */
import { COMPUTED, importsOf, packageOf, type Source, type SourceImport } from "./source-imports.ts";

export interface Rule {
  readonly name: string;
  /** `path: what is wrong`, in the order of the sources. */
  violations(sources: readonly Source[]): string[];
}

/** What runs in production, the image's own program included. */
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

/** Third-party drivers and the only places that may know them. */
const DRIVER_HOMES: Readonly<Record<string, RegExp>> = {
  ioredis: /^services\/platform\/redis\/client\.ts$/,
  mongodb: /^services\/repository\/mongodb\//,
  "node:sqlite": /^services\/repository\/sqlite\//,
};

const isGraphql = (name: string): boolean =>
  /^(graphql|graphql-.+|@graphql-.+\/.+|@pothos\/.+|@apollo\/.+|@theguild\/.+|@escape\.tech\/.+)$/.test(name);
const GRAPHQL_HOMES = /^services\/((inventory|telemetry|queue-service|api-gateway)\/|platform\/graphql\/)/;

const CAPABILITY_OPEN = /^services\/(queue|repository|live-feed)\/open\.ts$/;
const OPENERS = /^services\/([^/]+\/main|all-in-one\/(ingest|backends))\.ts$/;

const SERVICE_DOORS = /^services\/[^/]+\/(service|config|thread|schema)\.ts$/;
const CAPABILITY_DOORS = /^services\/(queue|repository|live-feed)\/(port|open|wire|config)\.ts$/;
const PRINTED = /^services\/api-gateway\/(graph\/compose|rest\/openapi)\.ts$/;

function isOpenToAllInOne(path: string, { target, typeOnly }: SourceImport): boolean {
  if (target === null || typeOnly || !target.startsWith("services/")) return true;
  if (/^services\/(all-in-one|platform)\//.test(target)) return true;
  if (path === "services/all-in-one/generate.ts" && PRINTED.test(target)) return true;
  return SERVICE_DOORS.test(target) || CAPABILITY_DOORS.test(target);
}

const sameFace: Rule = {
  name: "a service with a main.ts has a config.ts and a service.ts",
  violations: (sources) => {
    const paths = new Set(sources.map((source) => source.path));
    const folders = sources.flatMap(({ path }) => /^(services\/[^/]+\/)main\.ts$/.exec(path)?.[1] ?? []);
    return folders
      .flatMap((folder) => [`${folder}config.ts`, `${folder}service.ts`])
      .filter((path) => !paths.has(path))
      .map((path) => `${path}: is missing`);
  },
};

const namedAfterNothing: Rule = {
  name: "a file is named after a noun or a verb",
  violations: (sources) =>
    sources
      .filter(({ path }) =>
        path.split(/[/.-]/).some((part) => /^(utils?|helpers?|commons?|misc|types|constants)$/.test(part)),
      )
      .map(({ path }) => `${path}: its name`),
};

export const RULES: readonly Rule[] = [
  ...Object.entries(DRIVER_HOMES).map(([driver, home]) =>
    importRule(
      `${driver} is known only by its adapter`,
      (path, { specifier }) => isProduct(path) && packageOf(specifier) === driver && !home.test(path),
    ),
  ),
  importRule("import() names what it loads", (path, { specifier }) => isProduct(path) && specifier === COMPUTED),
  importRule(
    "a port imports the schema only",
    (path, { target }) => /^services\/[^/]+\/port\.ts$/.test(path) && !target?.startsWith("schema/"),
  ),
  importRule(
    "GraphQL lives in the subgraphs, the gateway and the platform's GraphQL files",
    (path, { specifier }) => isProduct(path) && isGraphql(packageOf(specifier)) && !GRAPHQL_HOMES.test(path),
  ),
  importRule(
    "capabilities are opened where the program is wired",
    (path, { target, typeOnly }) =>
      isProduct(path) && !typeOnly && target !== null && CAPABILITY_OPEN.test(target) && !OPENERS.test(path),
  ),
  importRule(
    "all-in-one composes services through their doors",
    (path, found) => path.startsWith("services/all-in-one/") && !isOpenToAllInOne(path, found),
  ),
  importRule(
    "the product imports neither tests nor sample data",
    (path, { target }) => isProduct(path) && /^(test|data)\//.test(target ?? ""),
  ),
  importRule(
    "the sample's generator knows schema and platform only",
    (path, { target }) => path.startsWith("data/") && !/^(schema|services\/platform|data)\//.test(target ?? "data/"),
  ),
  importRule(
    "the deployment scripts need no package, so they run from a fresh clone",
    (path, { specifier, target }) =>
      path.startsWith("infra/scripts/deployment/") &&
      !(target === null ? /^node:/ : /^(schema|infra\/scripts\/deployment)\//).test(target ?? specifier),
  ),
  textRule(
    "the environment is read in one file",
    (path) => isProduct(path) && isCode(path) && path !== "services/platform/process/env.ts",
    new RegExp(
      [
        String.raw`\b(process|Bun|Deno)\s*(\?\.|\.|\[\s*["'])\s*env\b`,
        String.raw`\bimport\.meta\.env\b`,
        String.raw`\{[^{}]*\benv\b[^{}]*\}\s*(=\s*(process|Bun|Deno)\b|from\s*["'](node:)?process["'])`,
      ].join("|"),
    ),
  ),
  textRule("no code asks in which environment it runs", isProduct, /\bNODE_ENV\b/),
  textRule("nothing is left to do later", () => true, /\b(TO[D]O|FIX[M]E)\b/),
  sameFace,
  namedAfterNothing,
];
