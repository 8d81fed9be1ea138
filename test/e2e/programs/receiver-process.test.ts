/** The receiver as a process on both runtimes, in front of a real queue-service. */
import { afterAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import { claim, receiptsOf } from "../../conformance/queue/bench.ts";
import { addressOf, BUN, onRuntime, startProgram } from "../../support/programs/process.ts";
import { gpuLabels, snappyLiterals, TEMP, writeRequest } from "../../support/receiver/write-requests.ts";
import { haveRedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { eventually } from "../../support/time/eventually.ts";

const AT = Date.UTC(2026, 6, 18, 20, 0, 0);

const post = (address: string) =>
  fetch(`${address}/api/v1/write`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy", authorization: "Bearer secret" },
    body: snappyLiterals(writeRequest([{ labels: gpuLabels(TEMP), samples: [{ at: AT, value: 41 }] }])),
  });

describe.skipIf(!haveRedisServer())("receiver", async () => {
  if (!haveRedisServer()) return;
  const redis = await startRedisServer({ args: ["--appendfsync", "always"] });
  afterAll(() => redis[Symbol.asyncDispose]());

  for (const runtime of ["bun", "deno"] as const) {
    test(`on ${runtime}, a request is answered 204 once queue-service has it, and 503 while that is away`, async () => {
      const queueEnv = { REDIS_ADDR: redis.address, PORT: "0" };
      await using service = startProgram([BUN, "services/queue-service/main.ts"], queueEnv);
      const queueUrl = await addressOf(service);
      await using queue = openHttpQueue({ url: queueUrl, token: null, clock: systemClock });
      await using program = startProgram(onRuntime(runtime, "services/receiver/main.ts"), {
        QUEUE_SERVICE_URL: queueUrl,
        RECEIVER_TOKEN: "secret",
        PORT: "0",
      });
      const address = await addressOf(program);
      expect((await post(address)).status).toBe(204);
      const deliveries = await claim(queue);
      expect(deliveries.map(({ readings }) => readings)).toEqual([1]);
      expect(deliveries[0]?.producer).toMatch(/^receive\//);
      await queue.ack(receiptsOf(deliveries));
      expect((await fetch(`${address}/readyz`)).status).toBe(200);
      expect(await (await fetch(`${address}/metrics`)).text()).toContain("gpu_telemetry_receiver_readings_total 1");

      service.kill("SIGKILL");
      await service.exited;
      const refused = await post(address);
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
      expect((await fetch(`${address}/readyz`)).status).toBe(503);

      const port = new URL(queueUrl).port;
      await using again = startProgram([BUN, "services/queue-service/main.ts"], { ...queueEnv, PORT: port });
      await addressOf(again);
      await eventually(async () => (await post(address)).status === 204, { what: "requests are taken again" });
      await queue.ack(receiptsOf(await claim(queue)));
    }, 120_000);
  }
});
