/** The commands of `bun run NAME` and `just NAME`: what each does, which packages it needs, which programs it runs. */

export interface Command {
  /** One line for the list of commands. */
  readonly does: string;
  /** The arguments as a usage line shows them; empty: the command takes none. */
  readonly takes: string;
  /** Packages that are installed first: none, those that the product imports, or also those of tests and checks. */
  readonly needs: "none" | "product" | "all";
  /** Programs that run one after the other while each ends with status 0. The last one gets the arguments. */
  readonly steps: readonly (readonly [program: string, ...args: string[]])[];
  /** Whether the last program prints its own usage for `--help`; otherwise, this table's text is printed. */
  readonly explainsItself: boolean;
}

const program = (
  does: string,
  takes: string,
  needs: Command["needs"],
  path: string,
  { explainsItself = takes !== "" } = {},
): Command => ({ does, takes, needs, steps: [["bun", path]], explainsItself });

const deployment = (does: string, name: string): Command =>
  program(does, "[KEY=VALUE…]", "none", `infra/scripts/deployment/${name}.ts`);

export const COMMANDS: Readonly<Record<string, Command>> = {
  help: program("List the commands", "", "none", "infra/scripts/commands/main.ts"),
  start: program(
    "Serve the sample fleet, or files, on http://localhost:8080",
    "[FILE…]",
    "product",
    "services/all-in-one/start.ts",
  ),
  ingest: program(
    "Store files at full speed, then print a summary",
    "[--dry-run] [--json] FILE…",
    "product",
    "services/all-in-one/ingest.ts",
  ),
  export: program(
    "Write readings of the store into a file such as night.csv.zst",
    "FILE [--FILTER VALUE…]",
    "product",
    "services/all-in-one/export.ts",
  ),
  test: {
    does: "Run all tests, or only the named files",
    takes: "[FILE…]",
    needs: "all",
    steps: [["bun", "test", "--parallel=3", "--timeout=60000"]],
    explainsItself: false,
  },
  cover: program(
    "Run all tests, or only the named files, and write coverage.html",
    "[FILE…]",
    "all",
    "infra/scripts/cover/main.ts",
    { explainsItself: false },
  ),
  check: {
    does: "Check format, lint, layers, types and dead code",
    takes: "",
    needs: "all",
    steps: [["biome", "check", "."], ["tsc"], ["bun", "--bun", "knip"], ["bun", "infra/scripts/check/main.ts"]],
    explainsItself: false,
  },
  generate: program(
    "Generate the schemas, the supergraph and the OpenAPI description in schema/generated",
    "[FILE…]",
    "product",
    "services/all-in-one/generate.ts",
    { explainsItself: false },
  ),
  openapi: {
    does: "Generate the description of the REST API: schema/generated/openapi.json and openapi.yaml",
    takes: "",
    needs: "product",
    steps: [["bun", "services/all-in-one/generate.ts", "openapi.json", "openapi.yaml"]],
    explainsItself: false,
  },
  sample: program("Simulate a fleet: data/sample.csv.gz, or another file", "[OPTION…]", "product", "data/generate.ts"),
  fleet: program(
    "Simulate a fleet that is shared, broken and mended, with a ledger of the truth",
    "[OPTION…]",
    "product",
    "data/fleet/main.ts",
  ),
  bench: program("Measure speed and memory", "NAME [OPTION…]", "all", "test/bench/main.ts"),
  up: deployment("Create or update a kind cluster with everything in it, on http://localhost:8080", "up"),
  down: deployment("Delete the kind cluster and everything in it", "down"),
  deploy: deployment("Build, push and install on an existing cluster", "deploy"),
  status: deployment("Show the state of the cluster, the release, its pods and its API", "status"),
  logs: program("Print the logs of pods", "[COMPONENT] [OPTION…]", "none", "infra/scripts/deployment/logs.ts"),
  "docker-build": {
    does: "Build the image gpu-telemetry:COMMIT, also tagged dev; BUN_IMAGE=… chooses another base image",
    takes: "[DOCKER-BUILD-OPTION…]",
    needs: "none",
    steps: [["infra/scripts/docker-build.sh"]],
    explainsItself: false,
  },
  chart: program(
    "Generate the chart's schema and the tables of its README from values.yaml",
    "",
    "all",
    "infra/scripts/chart/main.ts",
  ),
  k8s: program(
    "Render the chart into the raw manifests of infra/k8s; needs helm",
    "",
    "all",
    "infra/scripts/manifests/main.ts",
  ),
  "system-test": {
    does: "Run twelve checks of a deployed system",
    takes: "[OPTION…]",
    needs: "none",
    steps: [["test/e2e/system-test.sh"]],
    explainsItself: true,
  },
};

const usageLine = (name: string, { takes }: Command): string =>
  `Usage: npx -y bun run ${name}${takes === "" ? "" : ` ${takes}`}`;

export const usageOf = (name: string, command: Command): string => `${usageLine(name, command)}\n\n${command.does}.\n`;

/** One line for each command. */
export function listCommands(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`);
  return [
    "Usage: npx -y bun run COMMAND [ARGUMENT…]     or, with just installed: just COMMAND [ARGUMENT…]",
    "",
    ...lines,
    "",
    "npx -y bun run COMMAND --help explains a command and starts nothing.",
    "",
  ].join("\n");
}
