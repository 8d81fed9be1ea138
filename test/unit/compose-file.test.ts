import { expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "yaml";
import { readGatewayConfig } from "../../services/api-gateway/config.ts";
import { readCollectorProcessConfig } from "../../services/collector/config.ts";
import { readInventoryConfig } from "../../services/inventory/config.ts";
import type { Env } from "../../services/platform/env.ts";
import { readQueueServiceConfig } from "../../services/queue-service/config.ts";
import { readStreamerProcessConfig } from "../../services/streamer/config.ts";
import { readTelemetryConfig } from "../../services/telemetry/config.ts";
import { ROOT } from "../support/process.ts";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly build?: { readonly args: { readonly BUN_IMAGE: string } };
  readonly [option: string]: unknown;
}

const text = (path: string): Promise<string> => Bun.file(join(ROOT, path)).text();
const { services } = parse(await text("infra/compose.yaml"), { merge: true }) as { services: Record<string, Service> };

type ReadConfig = (env: Env, terminal: { isTerminal: boolean }) => unknown;
const READ: Readonly<Record<string, ReadConfig>> = {
  streamer: readStreamerProcessConfig,
  "queue-service": readQueueServiceConfig,
  collector: readCollectorProcessConfig,
  inventory: readInventoryConfig,
  telemetry: readTelemetryConfig,
  "api-gateway": readGatewayConfig,
};

/** The variables that a service asks for. */
function variablesOf(read: ReadConfig): ReadonlySet<string> {
  const asked = new Set<string>();
  const env = new Proxy({}, { get: (_, name) => void asked.add(String(name)) });
  read(env, { isTerminal: false });
  return asked;
}

test("infra/compose.yaml runs every service, and the two servers that they need", () => {
  expect(Object.keys(services).sort()).toEqual([...Object.keys(READ), "mongodb", "redis"].sort());
});

test.each(Object.entries(READ))(
  "infra/compose.yaml gives %s what it reads, and an environment it accepts",
  (name, read) => {
    const { command, environment = {} } = services[name] as Service;
    expect(command).toEqual([name]);
    const asked = variablesOf(read);
    expect(Object.keys(environment).filter((variable) => !asked.has(variable))).toEqual([]);
    const given = Object.entries(environment).map(([variable, value]) => [
      variable,
      value.replace(/^\$\{\w+:-(.*)\}$/, "$1"),
    ]);
    expect(() => read(Object.fromEntries(given), { isTerminal: false })).not.toThrow();
  },
);

test("the image, infra/compose.yaml and package.json name the same Bun", async () => {
  const { packageManager } = JSON.parse(await text("package.json")) as { packageManager: string };
  const base = `oven/bun:${packageManager.replace("bun@", "")}-slim`;
  expect(await text("infra/docker/Dockerfile")).toContain(`\nARG BUN_IMAGE=${base}\n`);
  for (const name of Object.keys(READ)) expect(services[name]?.build?.args.BUN_IMAGE).toBe(`\${BUN_IMAGE:-${base}}`);
});
