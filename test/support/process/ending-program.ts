/** Logs far more than a pipe holds, creates the file that its second argument names, and ends as the first one says. */
import { writeFileSync } from "node:fs";
import { runProgram } from "../../../services/platform/process/lifecycle.ts";

export const LINES = 20_000;

const ENDS = {
  return: async () => 3,
  throw: async () => {
    throw new Error("defect");
  },
  reject: () => {
    Promise.reject(new Error("not handled"));
    return new Promise<number>(() => {});
  },
};

if (import.meta.main) {
  await runProgram("ending", {
    read: () => ({ log: { level: "info", format: "json" } }),
    run: async (_config, { log }) => {
      for (let line = 0; line < LINES; line++) log.info("line", { line, padding: "x".repeat(100) });
      const [, , end, logged] = process.argv as [string, string, keyof typeof ENDS, string];
      writeFileSync(logged, "");
      return await ENDS[end]();
    },
  });
}
