import { expect, test } from "bun:test";
import { healthAddresses } from "../../../infra/docker/healthcheck.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";
import { eventually } from "../../support/time/eventually.ts";

const start = (args: readonly string[], env: Record<string, string> = {}) =>
  startProgram([BUN, "infra/docker/program.ts", ...args], env);

test.each([
  [[], "nothing"],
  [["collectors"], '"collectors"'],
  [["collector", "--verbose"], '"collector --verbose"'],
])("the image's program, started with %j, lists the accepted arguments and exits with 2", async (args, given) => {
  await using program = start(args);
  expect(await program.exited).toBe(2);
  expect(program.output.stderr).toStartWith(
    "argument must be one of streamer, scraper, queue-service, collector, receiver, inventory, telemetry, api-gateway, " +
      `all-in-one, fleet, healthcheck, got ${given}; `,
  );
});

test("the image's program starts the service that its argument names, which validates its own configuration", async () => {
  await using program = start(["telemetry"], { MAX_SUBSCRIPTIONS: "many" });
  expect(await program.exited).toBe(2);
  expect(program.output.stderr).toContain("MAX_SUBSCRIPTIONS");
});

test("the image's fleet serves exporters under the name by which their list is asked for, until SIGTERM", async () => {
  await using program = start(["fleet"]);
  const address = "http://127.0.0.1:9400";
  const ask = () => fetch(`${address}/targets`, { headers: { host: "fleet:9400" } }).catch(() => null);
  const answer = await eventually(ask, { what: "the list of exporters" });
  const listed = (await answer?.json()) as { targets: string[]; labels: Record<string, string> }[];
  expect(listed).toHaveLength(8);
  expect(new Set(listed.flatMap(({ targets }) => targets))).toEqual(new Set(["fleet:9400"]));
  const metrics = await fetch(`${address}${listed[0]?.labels.__metrics_path__}`);
  expect(await metrics.text()).toContain("DCGM_FI_DEV_GPU_TEMP{");
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
});

test("the image's health check exits with 0 only if the service answers /healthz with success", async () => {
  let status = 200;
  using service = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => new Response(null, { status: new URL(url).pathname === "/healthz" ? status : 404 }),
  });
  const check = async (env: Record<string, string>): Promise<readonly [number, string]> => {
    await using program = start(["healthcheck"], env);
    return [await program.exited, program.output.stdout];
  };
  const here = { PORT: `${service.port}`, HOST: "0.0.0.0" };
  expect(await check(here)).toEqual([0, ""]);
  // As for a service that ignores API_PORT.
  expect(await check({ ...here, API_PORT: "1" })).toEqual([0, ""]);
  status = 500;
  expect(await check(here)).toEqual([1, `No answer from http://127.0.0.1:${service.port}/healthz\n`]);
  expect(await check({ PORT: "all" })).toEqual([1, expect.stringContaining("PORT")]);
});

test("healthAddresses() returns every address where the service may listen", () => {
  const asked = (env: Record<string, string>) => healthAddresses(env).map(({ host }) => host);
  expect(asked({})).toEqual(["127.0.0.1:8080"]);
  expect(asked({ HOST: "0.0.0.0", PORT: "81" })).toEqual(["127.0.0.1:81"]);
  expect(asked({ HOST: "10.1.2.3", API_PORT: "82", PORT: "81" })).toEqual(["10.1.2.3:82", "10.1.2.3:81"]);
  expect(asked({ HOST: "::" })).toEqual(["[::1]:8080"]);
});
