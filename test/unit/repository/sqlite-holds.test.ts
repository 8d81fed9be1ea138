/** Holds of the SQLite store, which remembers what series named: compared with the reference model, over restarts. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { batchOf, GPU, HOUR, START } from "../../conformance/repository/bench.ts";
import { heldGrid } from "../../conformance/repository/held-grid.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { heldIn } from "../../support/repository/held-in.ts";
import { openStore } from "../../support/repository/sqlite-store.ts";
import { openModelRepository } from "../../support/repository-model/repository.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

test("SQLite store derives the same holds whatever the batches, the restarts and the questions between them", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock(START + 24 * HOUR);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(heldGrid(1, 0), fc.boolean(), async ({ batches, restarts }, asks) => {
      const path = join(folder.path, `${runs++}.sqlite`);
      const model = openModelRepository({ retentionMs: 0 }, { clock });
      let repository = await openStore(path, { clock });
      for (const [index, rows] of batches.entries()) {
        if (restarts.includes(index)) {
          await repository[Symbol.asyncDispose]();
          repository = await openStore(path, { clock });
        }
        await repository.save([batchOf(rows)]);
        await model.save([batchOf(rows)]);
        if (asks) expect(await repository.gpusByUuid([GPU])).toEqual([...(await model.gpusByUuid([GPU]))]);
      }
      expect(await heldIn(repository, GPU, ALL_TIME)).toEqual([...(await heldIn(model, GPU, ALL_TIME))]);
      await repository[Symbol.asyncDispose]();
    }),
    { numRuns: 60, interruptAfterTimeLimit: 15_000 },
  );
}, 60_000);
