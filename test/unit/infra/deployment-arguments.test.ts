import { expect, test } from "bun:test";
import { fullName } from "../../../infra/scripts/deployment/cluster/image.ts";
import {
  type Command,
  parseCommandLine,
  parsePort,
  parseTimeout,
  usageOf,
} from "../../../infra/scripts/deployment/run/command-line.ts";
import { isAtLeast } from "../../../infra/scripts/deployment/run/prerequisites.ts";
import { shown } from "../../../infra/scripts/deployment/run/shell.ts";
import { createSteps } from "../../../infra/scripts/deployment/run/steps.ts";

const SHIP: Command = {
  name: "ship",
  does: "Ships it.",
  keys: { TO: "where", PORT: "of localhost" },
  required: ["TO"],
  dryRun: true,
};

test("parseCommandLine() prefers arguments to the environment, and ignores empty values", () => {
  expect(parseCommandLine(SHIP, ["TO=a=b c"], { PORT: "1", YES: "1" })).toEqual({
    values: { TO: "a=b c", PORT: "1" },
    dryRun: false,
    help: false,
  });
  expect(parseCommandLine(SHIP, ["TO=x", "PORT=2", "--dry-run"], { PORT: "1" }).values.PORT).toBe("2");
  expect(parseCommandLine(SHIP, ["TO=x", "PORT="], { PORT: "1" }).values).toEqual({ TO: "x" });
  expect(parseCommandLine(SHIP, ["--help"]).help).toBe(true);
});

test("parseCommandLine() names unknown arguments and missing keys", () => {
  expect(() => parseCommandLine(SHIP, ["to=x"])).toThrow('argument must be one of TO=…, PORT=…, got "to=x"');
  expect(() => parseCommandLine(SHIP, ["TO=x", "now"])).toThrow('argument must be one of TO=…, PORT=…, got "now"');
  expect(() => parseCommandLine({ ...SHIP, dryRun: false }, ["TO=x", "--dry-run"])).toThrow('got "--dry-run"');
  expect(() => parseCommandLine(SHIP, ["PORT=1"])).toThrow("TO must be set");
  expect(usageOf(SHIP)).toContain("Usage: just ship TO=… [PORT=…] [--dry-run]");
});

test("parsePort() and parseTimeout() accept numbers within their bounds", () => {
  expect([
    parsePort("1"),
    parsePort("65535"),
    parseTimeout(undefined),
    parseTimeout("90s"),
    parseTimeout("2m"),
  ]).toEqual([1, 65_535, 300, 90, 120]);
  for (const text of ["0", "65536", "80a", "-1"]) expect(() => parsePort(text)).toThrow(`got "${text}"`);
  for (const text of ["0s", "5", "1h", "m"]) expect(() => parseTimeout(text)).toThrow(`got "${text}"`);
});

test("isAtLeast() compares the parts of versions as numbers", () => {
  expect(["20.10.24", "20.10", "28.0.1", "100.0"].map((version) => isAtLeast(version, "20.10"))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(["20.9.9", "19.03.15", "3.9", "1.2.3"].map((version) => isAtLeast(version, "20.10"))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test("fullName() completes the registry of an image name", () => {
  expect(["gpu:1", "me/gpu:1", "ghcr.io/me/gpu:1", "localhost/gpu:1", "localhost:5000/gpu:1"].map(fullName)).toEqual([
    "docker.io/library/gpu:1",
    "docker.io/me/gpu:1",
    "ghcr.io/me/gpu:1",
    "localhost/gpu:1",
    "localhost:5000/gpu:1",
  ]);
});

test("shown() quotes a command for a shell", () => {
  expect(shown(["kubectl", "get", "it's", "a b", "x=$y", ""])).toBe(`kubectl get 'it'\\''s' 'a b' 'x=$y' ''`);
});

test("createSteps() numbers and times steps, and sums up the longest", async () => {
  const lines: string[] = [];
  let clock = 0;
  const steps = createSteps({ total: 2, print: (line) => lines.push(line), timed: true, now: () => clock });
  await steps.step("Look around", async () => {
    clock += 1000;
    return "all there";
  });
  const failing = steps.step("Build it", async () => {
    steps.note("on the way");
    clock += 2500;
    throw new Error("no");
  });
  expect(failing).rejects.toThrow("no");
  expect(steps.current).toBe("Build it");
  expect(lines).toEqual(["[1/2] Look around", "      all there (1.0 s)", "[2/2] Build it", "      on the way"]);
  expect(steps.summary()).toBe("3.5 s in all, look 1.0 s");
});
