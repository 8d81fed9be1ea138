import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { printManifests } from "../../infra/scripts/manifests/print.ts";
import { finished } from "../support/kubernetes/programs.ts";
import { crossChecks } from "../support/manifests/cross-checks.ts";
import { admission } from "../support/manifests/layers.ts";
import { ofKind, parseManifests } from "../support/manifests/objects.ts";
import { openTools } from "../support/manifests/tools.ts";
import { ROOT } from "../support/programs/process.ts";

const FOLDER = join(ROOT, "infra/k8s");
const tools = await openTools("raw manifests");

if (tools !== null) {
  test("infra/k8s is up to date with the chart: bun run k8s", async () => {
    for (const program of ["helm", "helm3"]) {
      const printed = await printManifests(join(tools.programs, program));
      const kept = (await readdir(FOLDER)).filter((name) => name.endsWith(".yaml"));
      expect(Object.keys(printed).sort()).toEqual(kept.sort());
      for (const [name, text] of Object.entries(printed)) {
        expect({ name, text: await readFile(join(FOLDER, name), "utf8") }).toEqual({ name, text });
      }
    }
  }, 60_000);

  test("infra/k8s passes all checks, and its secrets say change-me", async () => {
    const { code, stdout, stderr } = await finished([join(tools.programs, "kubectl"), "kustomize", FOLDER]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(await admission({ raw: stdout }, tools)).toEqual({ raw: [] });
    expect(crossChecks(stdout)).toEqual([]);
    const objects = parseManifests(stdout);
    expect(ofKind(objects, "Deployment", "StatefulSet")).toHaveLength(9);
    const secrets = ofKind(objects, "Secret").flatMap(({ data = {} }) => Object.values(data));
    expect(secrets).toHaveLength(6);
    for (const secret of secrets) expect(Buffer.from(secret, "base64").toString()).toMatch(/change-?me/i);
  }, 60_000);
}
