/** Appends numbered records to the spool in the folder of its argument, and prints the number of each once recorded. */
import { writeSync } from "node:fs";
import { Spool } from "../../../services/spool/spool.ts";

const folder = process.argv[2] ?? "";
const spool = await Spool.open({ folder, maxBytes: 64 * 1024 * 1024, segmentBytes: 4096 });
// Bounded: a test that fails to kill the process must not fill the disk.
while (spool.next < 100_000) {
  const first = spool.next;
  const numbers = await Promise.all(
    [0, 1, 2].map((place) => spool.append(Buffer.from(`record ${first + place} ${"x".repeat(100)}`), 1)),
  );
  writeSync(1, `${numbers.at(-1)}\n`);
}
