/** Misbehaving callers of internal services, which know the token. Embedded, there is nothing to call. */
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { encodeBatch } from "../../../schema/batch/codec.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { encodeFrames } from "../../../services/queue/http/frames.ts";
import { bombsOf } from "../../support/batch/bombs.ts";
import { type Attack, type BadClient, post, statusOf, token } from "./bad-client.ts";

const FRAMES = "application/octet-stream";
/** Those refused for the number of their parts, and those refused before they are unpacked. */
const BOMBS = [...bombsOf(70_000), ...bombsOf(2_000_000)].map(([, bytes]) => bytes);
const PREVIEWS = "{ deadLetters(limit: 50) { letters { id reason undecodable preview { readings gpus series } } } }";
/** Escape, line break, a mark that turns the direction of text, and a null. */
const CONTROLS = "\u001b[2J\n\u202e\u0000";

/** A page of another origin calls internal services. */
export const foreignPage: Attack = async (client) => {
  for (const url of client.internal) {
    const headers = { origin: "http://evil.example", "content-type": "text/plain", ...token(client) };
    client.tally(await post(client, `${url}/graphql`, '{"query":"{ __typename }"}', headers));
  }
  const purge = `${client.queue}/v1/dead-letters/purge`;
  client.tally(await post(client, purge, "{}", { origin: "null", ...token(client) }));
  client.tally(await post(client, purge, "{}", { "content-type": "text/plain", ...token(client) }));
};

const producerOf = ({ address }: BadClient) => `evil-${address}@0/1`;

/** Publishes a batch of a producer of its own. @returns the status */
async function publish(client: BadClient, epoch: number, seq: number, body: Uint8Array): Promise<string> {
  const head = { producer: producerOf(client), epoch, batches: [{ seq, readings: 1, position: "" }] };
  const headers = { "content-type": FRAMES, ...token(client) };
  return await post(client, `${client.queue}/v1/batches`, encodeFrames(head, [body]), headers);
}

async function publishEach(client: BadClient, bodies: readonly Uint8Array[]): Promise<void> {
  const opened = await fetch(`${client.queue}/v1/producers`, {
    method: "POST",
    headers: { "content-type": "application/json", ...token(client) },
    body: JSON.stringify({ producer: producerOf(client) }),
  });
  if (!opened.ok) return client.tally(`${opened.status} to open`);
  const { epoch, seq } = (await opened.json()) as { epoch: number; seq: number };
  for (const [index, body] of bodies.entries()) client.tally(await publish(client, epoch, seq + index + 1, body));
}

/** Batches that unpack to megabytes, then the previews of the dead letters that they become. */
export const bombs: Attack = async (client) => {
  await publishEach(client, BOMBS);
  client.tally(await post(client, `${client.url}/graphql`, JSON.stringify({ query: PREVIEWS })));
};

export const farEpochs: Attack = async (client) => {
  for (const epoch of [Number.MAX_SAFE_INTEGER, Date.now() + 30 * 86_400_000]) {
    client.tally(await publish(client, epoch, 1, Uint8Array.of(1)));
  }
};

/** Lists of a hundred thousand bad items, each of which could have an error of its own. */
export const badItems: Attack = async (client) => {
  const many = <T>(item: T) => Array.from({ length: 100_000 }, () => item);
  const call = async (path: string, body: object) =>
    client.tally(await post(client, `${client.queue}${path}`, JSON.stringify(body), token(client)));
  await call("/v1/acks", { receipts: many(1) });
  await call("/v1/nacks", { receipts: many({}), mode: { kind: "release" } });
  await call("/v1/producers", { producer: "evil@0/1", inherit: many({}) });
  await call("/v1/dead-letters/purge", { ids: many(1) });
  const frames = encodeFrames({ producer: "evil@0/1", epoch: 1, batches: many({ seq: -1, readings: "many" }) }, []);
  client.tally(await post(client, `${client.queue}/v1/batches`, frames, { "content-type": FRAMES, ...token(client) }));
};

/** Control characters in labels of a batch, and in requests. */
export const controlCharacters: Attack = async (client) => {
  const query = "query ($host: String!) { gpus(filter: { hostname: $host }) { total } }";
  const body = JSON.stringify({ query, variables: { host: CONTROLS } });
  client.tally(await post(client, `${client.url}/graphql`, body));
  const host = encodeURIComponent(CONTROLS);
  client.tally(await statusOf(client, `${client.url}/api/v1/gpus?hostname=${host}&${host}=1`));
  if (client.queue === null) return;
  const labels = { instance: null, driver: null, pciBusId: null, profile: null, labels: `a="${CONTROLS}"` };
  const facts = { index: "0", device: CONTROLS, model: CONTROLS, host: CONTROLS, ...labels };
  const holder = { kind: "pod", container: CONTROLS, pod: CONTROLS, namespace: CONTROLS, podUid: null } as const;
  const uuid = "GPU-ffffffff-0000-4000-8000-000000000001" as GpuUuid;
  for (const version of [1, 2] as const) {
    const builder = createBatchBuilder(version);
    builder.add(builder.slot({ uuid, ...facts }, `${CONTROLS}` as Series, [holder]), Date.now(), 1);
    await publishEach(client, [encodeBatch(builder.take({ producer: "evil@0/1", epoch: 1, seq: 1 }))]);
  }
};
