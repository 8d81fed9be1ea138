/** Reads which of several equal processes this one is, such as `STREAMER_SHARD` and `SCRAPE_SHARD`. */
import { text } from "./env.ts";

/** Reads a number, or the name of a StatefulSet's pod, which ends in one, such as `streamer-2`. */
export const shard = () =>
  text()
    .regex(/^(?:[a-z0-9][a-z0-9.-]*-)?\d{1,3}$/, "a whole number from 0 to 999, or a pod's name that ends in one")
    .transform((name) => Number(/\d+$/.exec(name)?.[0]));
