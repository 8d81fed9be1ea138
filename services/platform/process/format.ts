/** `FORMAT`: the version of stored and sent formats that a process writes. See schema/FORMATS.md. */
import { choice } from "./env.ts";

export type Format = 1 | 2;

/** Reads a version that processes of this release can write. */
export const format = () => choice("1", "2").transform((version): Format => (version === "1" ? 1 : 2));
