import { describe, expect, test } from "bun:test";
import { parseCommandLine } from "../../../services/platform/process/command-line.ts";
import { resembling } from "../../../services/platform/process/resembling.ts";

describe("parseCommandLine()", () => {
  const parse = (...args: string[]) => {
    const given = parseCommandLine(args, ["--json", "--dry-run"]);
    return typeof given === "string" ? given : { ...given, flags: [...given.flags] as string[] };
  };

  test("returns flags and files in any order", () => {
    const given = { flags: ["--json"], files: ["a.csv", "-", "b.csv"], wantsHelp: false };
    expect(parse("a.csv", "--json", "-", "b.csv")).toEqual(given);
  });

  test("takes everything after -- as files", () => {
    expect(parse("--json", "--", "--dry-run", "--")).toMatchObject({ flags: ["--json"], files: ["--dry-run", "--"] });
  });

  test.each(["--help", "-h"])("wants help for %s", (option) => {
    expect(parse("a.csv", option)).toMatchObject({ wantsHelp: true });
  });

  test("names an unknown option, the accepted ones and the one that was probably meant", () => {
    const accepted = "option must be one of --json, --dry-run, --help";
    expect(parse("--dryrun")).toBe(`${accepted}, got "--dryrun"; did you mean --dry-run?`);
    expect(parse("--fast")).toBe(`${accepted}, got "--fast"`);
  });
});

describe("resembling()", () => {
  const names = ["CSV_PATH", "PORT", "API_PORT", "LOOP_MODE"];
  test.each([
    { given: "CSV_PAHT", name: "CSV_PATH" },
    { given: "csv_path", name: "CSV_PATH" },
    { given: "CSVPATH", name: "CSV_PATH" },
    { given: "LOOPMODE", name: "LOOP_MODE" },
    { given: "POTR", name: "PORT" },
    { given: "PATH", name: undefined },
    { given: "HOME", name: undefined },
    { given: "X".repeat(1000), name: undefined },
  ])("returns $name for $given", ({ given, name }) => {
    expect(resembling(given, names)).toBe(name as string);
  });
});
