/** Kills all-in-one at random moments: every reading is stored once, whatever was in progress. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { differences, onePass, sourceEnded, startAllInOne, storedReadings } from "../support/programs/all-in-one.ts";
import { addressOf } from "../support/programs/process.ts";
import { largeExport, smallExport } from "../support/sources/dcgm-export.ts";
import { seeded } from "../support/time/seeded.ts";

/** Kills that interrupt the stream. A kill after its end does not count; the next life begins with an empty store. */
const KILLS = 12;
const MOST_LIVES = 60;

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

interface Round {
  readonly name: string;
  readonly env: Record<string, string>;
  /** A life ends at a random moment within this time after the program listens. */
  readonly lifeMs: number;
}

describe.each<Round>([
  { name: "at a pace", env: { STREAM_INTERVAL: "2ms", BATCH_SIZE: "10" }, lifeMs: 150 },
  { name: "at full speed", env: { STREAM_INTERVAL: "0", BATCH_SIZE: "500" }, lifeMs: 250 },
])("all-in-one $name", ({ name, env, lifeMs }) => {
  test(`stores every reading once after ${KILLS} kills`, async () => {
    const random = seeded(`${name} kills`);
    const csv = await (name === "at a pace" ? smallExport : largeExport)(folder.path);
    let interrupted = 0;
    let store = "";
    const begin = (life: number) => join(folder.path, `${name.replaceAll(" ", "-")}-${life}.sqlite`);
    const complete = async () => {
      await using program = startAllInOne({ ...onePass(csv.path, store), ...env });
      const address = await addressOf(program);
      await sourceEnded(program);
      expect({ store, differences: differences(await storedReadings(address), csv.expected) }).toEqual({
        store,
        differences: [],
      });
    };
    store = begin(0);
    for (let life = 1; life <= MOST_LIVES && interrupted < KILLS; life++) {
      await using program = startAllInOne({ ...onePass(csv.path, store), ...env });
      await addressOf(program);
      let ended = false;
      void sourceEnded(program).then(
        () => {
          ended = true;
        },
        () => {},
      );
      await new Promise((resolve) => setTimeout(resolve, random() * lifeMs));
      program.kill("SIGKILL");
      await program.exited;
      if (!ended) {
        interrupted++;
        continue;
      }
      await complete();
      store = begin(life);
    }
    await complete();
    expect(interrupted).toBe(KILLS);
  }, 400_000);
});
