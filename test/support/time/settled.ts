/** Waits for a figure to come to rest. */
import { eventually } from "./eventually.ts";

/** The value once it has stayed the same for a while. */
export async function settled(read: () => number): Promise<number> {
  let seen = Number.NaN;
  let same = 0;
  await eventually(
    () => {
      const value = read();
      same = value === seen ? same + 1 : 0;
      seen = value;
      return same > 40;
    },
    { what: "a value that stays" },
  );
  return seen;
}
