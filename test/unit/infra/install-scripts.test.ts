import { expect, test } from "bun:test";
import packageJson from "../../../package.json" with { type: "json" };
import { BUN, ROOT } from "../../support/programs/process.ts";

/** Packages whose install scripts need not run, and the reason. Review each new one before adding it. */
const REVIEWED: Readonly<Record<string, string>> = {
  "@apollo/protobufjs": "prints a warning about version ranges",
  "@scarf/scarf": "reports the install to a server",
  "core-js": "prints an appeal for donations",
  "cpu-features": "builds an optional addon of ssh2",
  deno: "unpacks the binary, which the tests find in the package of the platform",
  "msgpackr-extract": "builds an optional addon of bullmq",
  protobufjs: "prints a warning about version ranges",
  ssh2: "builds an optional addon",
};

/** Installed packages whose scripts Bun did not run. */
async function blockedPackages(): Promise<string[]> {
  const child = Bun.spawn([BUN, "pm", "untrusted"], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`bun pm untrusted ended with ${status}: ${stderr}`);
  const found = [...`${stdout}${stderr}`.matchAll(/^\.\/(?:.*\/)?node_modules\/((?:@[^/\s]+\/)?[^/\s]+) @/gm)];
  return [...new Set(found.map(([, name = ""]) => name))].sort();
}

test("package.json trusts no dependency, so no install script runs, also none of Bun's default list", () => {
  expect(packageJson.trustedDependencies).toEqual([]);
});

test("bun pm untrusted lists every install script of the lockfile, and only reviewed ones", async () => {
  expect(await blockedPackages()).toEqual(Object.keys(REVIEWED).sort());
});
