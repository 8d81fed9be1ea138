/** queue-service's API on a free port in front of any queue, and a client of it. */

import { listen } from "../../../services/platform/http/listen.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { type Logger, silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { createQueueApi } from "../../../services/queue-service/service.ts";

export interface QueueServer extends AsyncDisposable {
  readonly url: string;
  readonly client: Queue;
  /** Reads from the metrics how many claims wait in the service. */
  waiting(): Promise<number>;
  /** Stops the service. Resolves once the requests in flight are answered. */
  stop(): Promise<void>;
}

/** The caller closes the queue behind it. */
export async function openQueueServer(
  queue: Queue,
  { token = null, log = silentLogger }: { token?: string | null; log?: Logger } = {},
): Promise<QueueServer> {
  const stopping = new AbortController();
  const config = {
    listen: { port: 0, host: "127.0.0.1" },
    internalToken: token,
    leaseMs: 30_000,
    queryTimeoutMs: 10_000,
  };
  const api = createQueueApi(config, {
    queue,
    clock: systemClock,
    log,
    metrics: createMetrics(),
    signal: stopping.signal,
  });
  const { fetch, websocket } = api;
  const listener = await listen({ port: 0, hostname: "127.0.0.1", fetch, websocket });
  const client = openHttpQueue({ url: listener.url, token, clock: systemClock });
  return {
    url: listener.url,
    client,
    async waiting() {
      const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
      const text = await (await globalThis.fetch(`${listener.url}/metrics`, { headers })).text();
      return Number(/queue_claims_waiting (\d+)/.exec(text)?.[1]);
    },
    async stop() {
      stopping.abort();
      await listener.drain(5000);
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      stopping.abort();
      await listener[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}
