import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { DEFAULT_PORT } from "../../../infra/scripts/deployment/cluster/api-port.ts";
import { NODE_PORT } from "../../../infra/scripts/deployment/run/place.ts";
import { ROOT } from "../../support/programs/process.ts";

test("infra/kind/cluster.yaml maps the default port of localhost to the NodePort that `just up` sets", async () => {
  const { nodes } = parse(await readFile(join(ROOT, "infra/kind/cluster.yaml"), "utf8"));
  const mapping = { listenAddress: "127.0.0.1", hostPort: DEFAULT_PORT, containerPort: NODE_PORT };
  expect(nodes).toEqual([{ role: "control-plane", extraPortMappings: [mapping] }]);
});
