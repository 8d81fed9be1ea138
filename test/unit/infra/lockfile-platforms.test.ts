import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../support/programs/process.ts";

/** The machines on which `bun install --frozen-lockfile` must bring everything that start, check and test need. */
const PLATFORMS = [
  { os: "linux", cpu: "x64" },
  { os: "linux", cpu: "arm64" },
  { os: "darwin", cpu: "x64" },
  { os: "darwin", cpu: "arm64" },
] as const;
type Platform = (typeof PLATFORMS)[number];

type Ranges = Readonly<Record<string, string>>;

interface Dependencies {
  readonly dependencies?: Ranges;
  readonly devDependencies?: Ranges;
  readonly optionalDependencies?: Ranges;
}

interface LockedPackage extends Dependencies {
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
}

interface Lockfile {
  readonly workspaces: Readonly<Record<string, Dependencies>>;
  readonly packages: Readonly<
    Record<string, readonly [id: string, registry: string, about: LockedPackage, hash: string]>
  >;
}

const isBound = ({ os, cpu }: LockedPackage): boolean => os !== undefined || cpu !== undefined;
const fits = ({ os, cpu }: LockedPackage, platform: Platform): boolean =>
  (os === undefined || [os].flat().includes(platform.os)) && (cpu === undefined || [cpu].flat().includes(platform.cpu));

/** Dependencies without which some platform is left, as `parent > dependency (reason)`. */
function gapsIn({ workspaces, packages }: Lockfile): string[] {
  const find = (parent: string, name: string) => (packages[`${parent}/${name}`] ?? packages[name])?.[2];
  const gaps: string[] = [];
  const look = (parent: string, { dependencies, devDependencies, optionalDependencies = {} }: Dependencies) => {
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      const found = find(parent, name);
      if (found !== undefined && isBound(found)) gaps.push(`${parent} > ${name} (bound to one platform)`);
    }
    const builds = Object.keys(optionalDependencies).flatMap((name) => find(parent, name) ?? []);
    if (!builds.some(isBound)) return;
    for (const platform of PLATFORMS) {
      if (!builds.some((build) => fits(build, platform))) {
        gaps.push(`${parent} (no build for ${platform.os} ${platform.cpu})`);
      }
    }
  };
  for (const { optionalDependencies: _, ...needed } of Object.values(workspaces)) look("package.json", needed);
  for (const [name, [, , about]] of Object.entries(packages)) look(name, about);
  return gaps;
}

test("bun.lock has a build of every native package for Linux and macOS, x64 and arm64", async () => {
  const lockfile = Bun.JSONC.parse(await readFile(join(ROOT, "bun.lock"), "utf8")) as Lockfile;
  expect(gapsIn(lockfile)).toEqual([]);
});

test("gapsIn() names a dependency that is bound to one platform, and a platform without a build", () => {
  const on = (os: string, cpu: string) => ["", "", { os, cpu }, ""] as const;
  const lockfile: Lockfile = {
    workspaces: {
      "": { devDependencies: { tool: "1", "one-linux": "1" }, optionalDependencies: { "one-linux": "1" } },
    },
    packages: {
      tool: ["", "", { optionalDependencies: { "tool-linux": "1", "tool-arm": "1", "tool-mac": "1" } }, ""],
      "tool-linux": on("linux", "x64"),
      "tool-arm": on("linux", "arm64"),
      "tool-mac": on("darwin", "arm64"),
      "one-linux": on("linux", "x64"),
    },
  };
  expect(gapsIn(lockfile)).toEqual([
    "package.json > one-linux (bound to one platform)",
    "tool (no build for darwin x64)",
  ]);
});
