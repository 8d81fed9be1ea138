/**
 * Checks of manifests by existing tools. Each takes many texts, one per file, and returns the problems of each. It
 * throws if a tool has not looked at all of them.
 */
import { mkdir, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { finished } from "../kubernetes/programs.ts";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { ROOT } from "../programs/process.ts";
import { type KubernetesObject, nameOf, parseManifests } from "./objects.ts";
import type { Tools } from "./tools.ts";

/** Name → manifests. */
export type Texts = Readonly<Record<string, string>>;
/** Name → problems. */
export type Findings = Readonly<Record<string, readonly string[]>>;
export type Layer = (texts: Texts, tools: Tools) => Promise<Findings>;

const parsed = (text: string): readonly KubernetesObject[] => {
  try {
    return parseManifests(text);
  } catch {
    return [];
  }
};

async function written(folder: string, texts: Texts): Promise<readonly string[]> {
  const paths = Object.keys(texts).map((name) => join(folder, `${name}.yaml`));
  await Promise.all(Object.values(texts).map((text, at) => Bun.write(paths[at] ?? "", text)));
  return paths;
}

const nameIn = (path: string): string => /([^/]+)\.\w+$/.exec(path)?.[1] ?? path;

function gathered(texts: Texts, found: Iterable<readonly [name: string, problem: string]>): Findings {
  const findings: Record<string, string[]> = Object.fromEntries(Object.keys(texts).map((name) => [name, []]));
  for (const [name, problem] of found) findings[name]?.push(problem);
  return findings;
}

/** Runs `helm lint --strict` once over a chart per text, because helm takes long to start. */
export const helmLint: Layer = async (texts, { programs }) => {
  await using folder = await temporaryFolder();
  const charts = Object.keys(texts).map((name) => join(folder.path, name));
  for (const [at, text] of Object.values(texts).entries()) {
    const files = {
      "Chart.yaml": "apiVersion: v2\nname: linted\nversion: 0.1.0\nicon: https://example.com/i.svg\n",
      "values.yaml": "{}\n",
      "templates/all.yaml": text.replaceAll("{{", '{{ "{{" }}'),
    };
    for (const [file, content] of Object.entries(files)) await Bun.write(join(charts[at] ?? "", file), content);
  }
  const { code, stdout, stderr } = await finished([join(programs, "helm"), "lint", "--strict", ...charts]);
  const linted = stdout.split(/^==> Linting /m).slice(1);
  const found = linted.flatMap((said) => {
    const name = basename(said.split("\n", 1)[0] ?? "");
    return [...said.matchAll(/\[(?:WARNING|ERROR)\] (.*)/g)].map(([, problem = ""]) => [name, problem] as const);
  });
  const isSilent = code !== 0 && found.length === 0;
  if (isSilent || linted.length !== charts.length) throw new Error(`helm lint: ${stdout}${stderr}`);
  return gathered(texts, found);
};

interface Admission {
  readonly file: string;
  readonly objects?: number;
  readonly object?: string;
  readonly rule?: string;
  readonly message?: string;
}

/** Checks by Kubernetes' own code: decoding, validation of new objects, and the restricted pod security standard. */
export const admission: Layer = async (texts, tools) => {
  await using folder = await temporaryFolder();
  const { code, stdout, stderr } = await finished([tools.admission, ...(await written(folder.path, texts))]);
  if (code !== 0) throw new Error(stderr);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Admission);
  const looked = lines.filter(({ objects }) => objects !== undefined);
  if (looked.length !== Object.keys(texts).length || looked.some(({ objects }) => objects === 0))
    throw new Error(`admission did not read all files: ${JSON.stringify(looked)}`);
  return gathered(
    texts,
    lines
      // Custom resources are unknown to Kubernetes itself.
      .filter(({ objects, rule, message = "" }) => objects === undefined && !(rule === "unknown" && isCustom(message)))
      .map(({ file, object, rule, message }) => [nameIn(file), `${object}: ${rule}: ${message}`]),
  );
};

const isCustom = (text: string): boolean =>
  /keda\.sh\/|monitoring\.coreos\.com\/|gateway\.networking\.k8s\.io\//.test(text);

const MODELS: readonly (readonly [group: RegExp, module: string])[] = [
  [/^keda\.sh\//, "@kubernetes-models/keda"],
  [/^monitoring\.coreos\.com\//, "@kubernetes-models/prometheus-operator"],
  [/^gateway\.networking\.k8s\.io\//, "@kubernetes-models/gateway-api"],
  [/./, "kubernetes-models"],
];
const modelOf = ({ apiVersion }: KubernetesObject): string =>
  `${MODELS.find(([group]) => group.test(apiVersion))?.[1]}/${apiVersion}`;

type Model = new (object: object) => { validate(): void };

/** Checks against the schemas of Kubernetes and of custom resources, which restrict values but allow unknown names. */
export const models: Layer = async (texts, { scanners }) => {
  const found: [string, string][] = [];
  for (const [name, text] of Object.entries(texts)) {
    for (const object of parsed(text)) {
      try {
        const path = import.meta.resolve(modelOf(object), `${scanners}/package.json`);
        const module = (await import(path)) as Readonly<Record<string, Model | undefined>>;
        const Model = module[object.kind];
        if (Model === undefined) throw new Error("unknown kind");
        new Model(object).validate();
      } catch (error) {
        found.push([name, `${nameOf(object)}: ${(error as Error).message}`]);
      }
    }
  }
  return gathered(texts, found);
};

/** Compiles the objects as literals of their types, which finds unknown names, in custom resources too. */
export const literals: Layer = async (texts, { scanners }) => {
  await using folder = await temporaryFolder();
  await symlink(join(scanners, "node_modules"), join(folder.path, "node_modules"));
  await mkdir(join(folder.path, "texts"));
  for (const [name, text] of Object.entries(texts)) {
    const lines = parsed(text).map(
      (object, at) => `export const r${at}: import("${modelOf(object)}").I${object.kind} = ${JSON.stringify(object)};`,
    );
    await Bun.write(join(folder.path, "texts", `${name}.ts`), `${lines.join("\n")}\nexport {};\n`);
  }
  const options = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    module: "preserve",
    moduleResolution: "bundler",
    types: [],
  };
  await Bun.write(join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["texts"] }));
  const { code, stdout } = await finished([
    join(ROOT, "node_modules/.bin/tsc"),
    "--pretty",
    "false",
    "--project",
    folder.path,
  ]);
  const found = [...stdout.matchAll(/texts\/([^/(]+)\.ts\(\d+,\d+\): (error .*)/g)];
  if (code !== 0 && found.length === 0) throw new Error(`tsc: ${stdout}`);
  return gathered(
    texts,
    found.map(([, name = "", problem = ""]) => [name, problem]),
  );
};
