/** all-in-one receives remote write and is killed after each answer: everything answered 2xx is stored, once. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { addressOf, BUN, startProgram } from "../support/programs/process.ts";
import { GPU, gpuLabels, snappyLiterals, TEMP, writeRequest } from "../support/receiver/write-requests.ts";
import { eventually } from "../support/time/eventually.ts";

const AT = Date.UTC(2026, 6, 18, 20, 0, 0);

/** The sample of one time, in a request of its own. */
const requestAt = (at: number) =>
  snappyLiterals(writeRequest([{ labels: gpuLabels(), samples: [{ at, value: 40 + (((at - AT) / 1000) % 20) }] }]));

const post = (address: string, body: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${address}/api/v1/write`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy", ...headers },
    body,
  });

async function storedTimes(address: string): Promise<number[]> {
  const url = `${address}/api/v1/gpus/${GPU}/telemetry?metric=${TEMP}&limit=1000`;
  const { telemetry = [] } = (await (await fetch(url)).json()) as { telemetry?: readonly { timestamp: string }[] };
  return telemetry.map(({ timestamp }) => Date.parse(timestamp)).sort((a, b) => a - b);
}

test("all-in-one stores everything that it has answered with 204, over kills, and each request once", async () => {
  await using folder = await temporaryFolder();
  const start = () =>
    startProgram([BUN, "services/all-in-one/main.ts"], {
      API_PORT: "0",
      CSV_PATH: "none",
      SQLITE_PATH: join(folder.path, "store.sqlite"),
    });
  const sent: number[] = [];
  for (let life = 0; life < 3; life++) {
    await using program = start();
    const address = await addressOf(program);
    for (const at of sent) expect((await post(address, requestAt(at))).status).toBe(204);
    const fresh = Array.from({ length: 10 }, (_, index) => AT + (10 * life + index) * 1000);
    for (const at of fresh.toReversed()) expect((await post(address, requestAt(at))).status).toBe(204);
    sent.push(...fresh);
    program.kill("SIGKILL");
    await program.exited;
  }
  await using program = start();
  const address = await addressOf(program);
  await eventually(async () => (await storedTimes(address).catch(() => [])).length >= sent.length, {
    what: "every request is stored",
  });
  expect(await storedTimes(address)).toEqual(sent);
}, 120_000);

test("all-in-one on the network takes requests with RECEIVER_TOKEN, and streams no sample then", async () => {
  await using folder = await temporaryFolder();
  await using program = startProgram([BUN, "services/all-in-one/main.ts"], {
    API_PORT: "0",
    HOST: "0.0.0.0",
    RECEIVER_TOKEN: "secret",
    SQLITE_PATH: join(folder.path, "store.sqlite"),
  });
  const address = (await addressOf(program)).replace("0.0.0.0", "127.0.0.1");
  expect((await post(address, requestAt(AT))).status).toBe(401);
  expect((await post(address, requestAt(AT), { authorization: "Bearer secret" })).status).toBe(204);
  await eventually(async () => (await storedTimes(address).catch(() => [])).length === 1, { what: "it is stored" });
  const { gpus } = (await (await fetch(`${address}/api/v1/gpus`)).json()) as { gpus: readonly { uuid: string }[] };
  expect(gpus.map(({ uuid }) => uuid)).toEqual([GPU]);
}, 60_000);
