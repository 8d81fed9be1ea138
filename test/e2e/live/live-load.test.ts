/** A small run of `bench live`: subscribers get frames while readings arrive, in both wirings. */
import { expect, test } from "bun:test";
import { measureLive, TRANSPORTS } from "../../bench/live/measure.ts";
import { openEmbeddedUnderLoad, openServicesUnderLoad } from "../../bench/live/wirings.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { haveRedisServer } from "../../support/servers/redis-server.ts";

const SIZE = { gpus: 200, seconds: 3, subscribers: 20 };
const WIRINGS = { "as services": openServicesUnderLoad, "in one process": openEmbeddedUnderLoad };

for (const [wiring, open] of Object.entries(WIRINGS)) {
  test.skipIf(!haveRedisServer())(
    `every subscriber gets every publication it watches, ${wiring}`,
    async () => {
      await using folder = await temporaryFolder();
      await using services = await open(folder.path, SIZE);
      const { transports, queries } = await measureLive(services, SIZE);
      for (const transport of TRANSPORTS) {
        const { fewestFrames, troubles, frames } = transports[transport];
        expect([transport, troubles]).toEqual([transport, []]);
        // The snapshot, and a frame for each second in which its host is published.
        expect(fewestFrames).toBeGreaterThanOrEqual(3);
        expect(frames).toBeGreaterThan(SIZE.subscribers * 3);
      }
      expect(queries.failed).toBe(0);
      expect(queries.count).toBeGreaterThan(3);
    },
    60_000,
  );
}
