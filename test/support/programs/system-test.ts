/** Runs test/e2e/system-test.sh and reads the verdict of each line. */
import { join } from "node:path";
import { ROOT } from "./process.ts";

export const SYSTEM_TEST = join(ROOT, "test/e2e/system-test.sh");
export const CHECKS = [
  "health",
  "ingestion",
  "list",
  "detail",
  "telemetry",
  "order",
  "time filter",
  "structure",
  "400",
  "404",
  "swagger",
  "logs",
] as const;
export type Check = (typeof CHECKS)[number];
export type Verdict = "PASS" | "FAIL" | "SKIP";

export interface SystemTest {
  readonly status: number;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** The last line. */
  readonly summary: string;
  readonly output: string;
}

const LINE = /^\[ ?(\d+)\/12\] (PASS|FAIL|SKIP) ([a-z0-9 ]+): .+ \(\d+\.\d\d s\)$/;

/** @param env variables; PATH defaults to the one of this process */
export async function systemTest(env: Record<string, string>, ...args: string[]): Promise<SystemTest> {
  const child = Bun.spawn(["bash", SYSTEM_TEST, ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const lines = stdout.trimEnd().split("\n");
  const verdicts: Record<string, Verdict> = {};
  for (const line of lines) {
    const [, number, verdict, check] = LINE.exec(line) ?? [];
    if (check !== undefined && CHECKS[Number(number) - 1] === check) verdicts[check] = verdict as Verdict;
  }
  return { status: await child.exited, verdicts, summary: lines[lines.length - 1] ?? "", output: stdout + stderr };
}

export const allOf = (verdict: Verdict, but: Partial<Record<Check, Verdict>> = {}): Record<string, Verdict> => ({
  ...Object.fromEntries(CHECKS.map((check) => [check, verdict])),
  ...but,
});
