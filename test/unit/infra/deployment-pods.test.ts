import { expect, test } from "bun:test";
import { readPods, waitedFor } from "../../../infra/scripts/deployment/release/pods.ts";
import { LOCAL } from "../../../infra/scripts/deployment/run/place.ts";
import type { Shell } from "../../../infra/scripts/deployment/run/shell.ts";

interface Seen {
  readonly waiting?: string;
  readonly terminated?: string;
  readonly restarts?: number;
  readonly unschedulable?: boolean;
  readonly ready?: boolean;
  readonly init?: string;
  readonly leaving?: boolean;
}

const pod = (
  name: string,
  { waiting, terminated, restarts = 0, unschedulable, ready = false, init, leaving }: Seen,
) => ({
  metadata: { name, ...(leaving ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
  spec: { containers: [{ name: "main" }] },
  status: {
    phase: unschedulable || waiting || init ? "Pending" : "Running",
    conditions: [
      { type: "Ready", status: ready ? "True" : "False" },
      {
        type: "PodScheduled",
        status: unschedulable ? "False" : "True",
        reason: unschedulable ? "Unschedulable" : undefined,
      },
    ],
    initContainerStatuses: [
      { name: "prepare", ready: init === undefined, restartCount: 0, state: init ? { waiting: { reason: init } } : {} },
    ],
    containerStatuses: [
      {
        name: "main",
        ready,
        restartCount: restarts,
        state: waiting ? { waiting: { reason: waiting } } : terminated ? { terminated: { reason: terminated } } : {},
      },
    ],
  },
});

async function read(...items: readonly object[]) {
  const ask: Shell["ask"] = async () => ({ code: 0, stdout: JSON.stringify({ items }), stderr: "", timedOut: false });
  return (await readPods({ dryRun: false, ask, run: async () => "" }, LOCAL))!;
}

test("readPods() reports why a pod is not ready, and in which container", async () => {
  const pods = await read(
    pod("runs", { ready: true }),
    pod("starts", {}),
    pod("lacks-image", { waiting: "ImagePullBackOff" }),
    pod("prepares", { init: "ErrImagePull", waiting: "PodInitializing" }),
    pod("too-big", { unschedulable: true }),
    pod("killed", { terminated: "OOMKilled", restarts: 2 }),
    pod("leaves", { leaving: true }),
  );
  expect(pods.map(({ name, state, container }) => [name, state, container])).toEqual([
    ["runs", "Running", "main"],
    ["starts", "not ready yet", "main"],
    ["lacks-image", "ImagePullBackOff", "main"],
    ["prepares", "ErrImagePull", "prepare"],
    ["too-big", "Unschedulable", "main"],
    ["killed", "OOMKilled", "main"],
  ]);
});

test("waitedFor() lists stuck pods before pods that may be waiting for them", async () => {
  const pods = await read(
    pod("waits", {}),
    pod("runs", { ready: true }),
    pod("restarted", { restarts: 1 }),
    pod("created", { waiting: "ContainerCreating" }),
    pod("stuck", { waiting: "CreateContainerConfigError" }),
  );
  expect(waitedFor(pods).map(({ name }) => name)).toEqual(["stuck", "restarted", "waits", "created"]);
});
