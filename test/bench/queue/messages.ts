/** The messages of both sides: batches as a streamer builds them, each with the readings of one GPU. */
import { encodeBatch } from "../../../schema/batch/codec.ts";
import { batchOfReadings, type WrittenReading } from "../../support/collector/batches.ts";

export interface Message {
  /** The encoded batch. */
  readonly body: Uint8Array;
  readonly readings: number;
  /** The same batch as a job for a queue of JSON messages: one reading as it is, or the encoded batch as base64. */
  readonly job: object;
}

const SERIES = ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_FB_USED"];
const GPUS = 64;
const TICK_MS = 15_000;

function* readingsOf(message: number, count: number): Generator<WrittenReading> {
  for (let index = 0; index < count; index++) {
    const tick = Math.floor(index / SERIES.length);
    const value = 40 + ((message * 31 + index * 17) % 400) / 8;
    yield {
      gpu: 1 + (message % GPUS),
      series: SERIES[index % SERIES.length] as string,
      after: (message + tick) * TICK_MS,
      value,
    };
  }
}

export function createMessages(count: number, readings: number): readonly Message[] {
  return Array.from({ length: count }, (_, index) => {
    const written = [...readingsOf(index, readings)];
    const body = encodeBatch(batchOfReadings(written, { seq: index + 1 }));
    const [only] = written;
    const job = readings === 1 && only !== undefined ? only : { batch: Buffer.from(body).toString("base64") };
    return { body, readings, job };
  });
}
