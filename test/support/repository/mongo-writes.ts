/** Lets several collectors save the readings of a fleet, and counts the documents that they write. */
import type { GpuFacts } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { batchOf, factsOf, podOf, type Row, START, TEMP, UTIL } from "../../conformance/repository/bench.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { type Counts, countCommands, monitored } from "./mongo-commands.ts";
import { openDatabase } from "./mongo-store.ts";

export interface WritesOptions {
  readonly gpus: number;
  readonly collectors: number;
  readonly stepMs: number;
  /** Ticks before counting begins: each collector gets to know each GPU. */
  readonly warm: number;
  readonly ticks: number;
  /** MIG instances of each second GPU, each with a pod of its own. */
  readonly instances: number;
  /** How many GPUs get another pod in the counted time, evenly distributed. */
  readonly changes: number;
}

export interface Writes extends Counts {
  /** Documents of readings. */
  readonly readings: number;
  /** Documents of everything else but positions, of which each save writes one whatever it contains. */
  readonly others: number;
  readonly saves: number;
}

const PER_HOST = 8;

const instanceSeries = (id: string) => `DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU_I_ID="${id}"}` as Series;

function rowsOf(gpu: number, at: number, life: number, instances: number): Row[] {
  const held = (facts: Partial<GpuFacts>, pod: string) =>
    factsOf(gpu, { ...facts, holders: [podOf(`${pod}-${life}`)] });
  if (gpu % 2 === 0 || instances === 0) {
    const facts = held({}, `train-${gpu}`);
    return [
      [UTIL, at, at % 97, facts],
      [TEMP, at, 30 + (at % 11), facts],
    ];
  }
  const ids = Array.from({ length: instances }, (_, index) => String(index + 1));
  return [
    [TEMP, at, 30 + (at % 11), factsOf(gpu)],
    ...ids.map((id): Row => {
      return [instanceSeries(id), at, (at % 89) / 89, held({ instance: id, profile: "1g.10gb" }, `infer-${gpu}-${id}`)];
    }),
  ];
}

/** Each host's readings of a tick are one batch, which one of the collectors saves. */
export async function countWrites(uri: string, options: WritesOptions): Promise<Writes> {
  const { gpus, collectors, stepMs, warm, ticks, instances, changes } = options;
  using counter = countCommands();
  await using database = openDatabase(monitored(uri));
  const clock = new ManualClock(START);
  const stores: Repository[] = [];
  for (let number = 0; number < collectors; number++) stores.push(await database.open({ clock }));
  const hosts = Math.ceil(gpus / PER_HOST);
  let saves = 0;
  const saveHost = (host: number, tick: number): Promise<unknown> => {
    const rows: Row[] = [];
    for (let gpu = host * PER_HOST; gpu < Math.min(gpus, (host + 1) * PER_HOST); gpu++) {
      // GPU number `n` changes at the same share of the counted time as `n` is of all GPUs.
      const isChanged = gpu < changes && tick - warm >= Math.floor((gpu * ticks) / changes);
      rows.push(...rowsOf(gpu, tick * stepMs, isChanged ? 1 : 0, instances));
    }
    saves++;
    const store = stores[(host * 7 + tick * 3 + (tick >> 2)) % collectors] as Repository;
    const producer = `csv@${host}/${hosts}`;
    const position = { producer, epoch: 1, seq: tick + 1, position: "{}" };
    return store.save([batchOf(rows, { producer, seq: tick + 1 })], { positions: [position] });
  };
  const advance = async () => {
    for (let left = stepMs; left > 0; left -= 1000) await clock.advance(Math.min(left, 1000));
  };
  for (let tick = 0; tick < warm + ticks; tick++) {
    if (tick === warm) {
      counter.take();
      saves = 0;
    }
    await Promise.all(Array.from({ length: hosts }, (_, host) => saveHost(host, tick)));
    await advance();
  }
  const counts = counter.take();
  for (const store of stores) await store[Symbol.asyncDispose]();
  let others = 0;
  for (const [name, count] of counts.written) if (!["telemetry_points", "positions"].includes(name)) others += count;
  return { ...counts, readings: counts.written.get("telemetry_points") ?? 0, others, saves };
}
