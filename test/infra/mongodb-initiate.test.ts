import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CHART } from "../support/manifests/render.ts";
import { FakeReplicaSet } from "../support/servers/replica-set.ts";

const SCRIPT = await readFile(join(CHART, "files/initiate.js"), "utf8");
const ENV = {
  ROOT_PASSWORD: "root-1",
  PASSWORD: "ours-1",
  DATABASE: "gpu_telemetry",
  MEMBER: "mongodb-0.mongodb:27017",
};
const EXPECTED = {
  member: "mongodb-0.mongodb:27017",
  users: {
    "admin.root": { user: "root", pwd: "root-1", roles: ["root"] },
    "gpu_telemetry.telemetry": { user: "telemetry", pwd: "ours-1", roles: ["readWrite"] },
  },
};

test("initiate.js creates the replica set and users at the first start, and changes nothing later", () => {
  const server = new FakeReplicaSet();
  for (let start = 0; start < 3; start++) {
    server.run(SCRIPT, ENV);
    expect({ member: server.member, users: server.users }).toEqual(EXPECTED);
  }
});

test("initiate.js completes the work of a run that was killed after any step", () => {
  for (let steps = 0; steps < 4; steps++) {
    const server = new FakeReplicaSet();
    if (steps < 3) expect(() => server.run(SCRIPT, ENV, { killedAfter: steps })).toThrow("killed");
    server.run(SCRIPT, ENV);
    expect({ steps, member: server.member, users: server.users }).toEqual({ steps, ...EXPECTED });
  }
});

test("initiate.js updates the password of the services' user, and creates a user for a new database", () => {
  const server = new FakeReplicaSet();
  server.run(SCRIPT, ENV);
  server.run(SCRIPT, { ...ENV, PASSWORD: "ours-2" });
  expect(server.users["gpu_telemetry.telemetry"]?.pwd).toBe("ours-2");
  server.run(SCRIPT, { ...ENV, DATABASE: "another" });
  expect(Object.keys(server.users)).toEqual(["admin.root", "gpu_telemetry.telemetry", "another.telemetry"]);
});

test("initiate.js fails and changes nothing if the data is older than the Secret", () => {
  const server = new FakeReplicaSet();
  server.run(SCRIPT, ENV);
  expect(() => server.run(SCRIPT, { ...ENV, ROOT_PASSWORD: "root-2" })).toThrow("requires authentication");
  expect({ member: server.member, users: server.users }).toEqual(EXPECTED);
});
