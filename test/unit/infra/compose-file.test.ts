import { expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "yaml";
import { PROGRAMS, variablesOf } from "../../../infra/scripts/chart/program-variables.ts";
import { ROOT } from "../../support/programs/process.ts";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly build?: { readonly args: { readonly BUN_IMAGE: string } };
  readonly [option: string]: unknown;
}

const text = (path: string): Promise<string> => Bun.file(join(ROOT, path)).text();
const { services } = parse(await text("infra/compose.yaml"), { merge: true }) as { services: Record<string, Service> };

test("infra/compose.yaml has all services, Redis and MongoDB", () => {
  expect(Object.keys(services).sort()).toEqual([...Object.keys(PROGRAMS), "mongodb", "redis"].sort());
});

test.each(Object.entries(PROGRAMS))(
  "infra/compose.yaml sets only variables that %s reads, to values that it accepts",
  (name, read) => {
    const { command, environment = {} } = services[name] as Service;
    expect(command).toEqual([name]);
    const asked = variablesOf(name);
    expect(Object.keys(environment).filter((variable) => !asked.includes(variable))).toEqual([]);
    const given = Object.entries(environment).map(([variable, value]) => [
      variable,
      value.replace(/^\$\{\w+:-(.*)\}$/, "$1"),
    ]);
    expect(() => read(Object.fromEntries(given))).not.toThrow();
  },
);

test("the image, infra/compose.yaml and package.json name the same Bun", async () => {
  const { packageManager } = JSON.parse(await text("package.json")) as { packageManager: string };
  const base = `oven/bun:${packageManager.replace("bun@", "")}-slim`;
  expect(await text("infra/docker/Dockerfile")).toContain(`\nARG BUN_IMAGE=${base}\n`);
  for (const name of Object.keys(PROGRAMS))
    expect(services[name]?.build?.args.BUN_IMAGE).toBe(`\${BUN_IMAGE:-${base}}`);
});
