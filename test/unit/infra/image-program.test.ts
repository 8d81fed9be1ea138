import { expect, test } from "bun:test";
import { healthAddresses } from "../../../infra/docker/healthcheck.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";

const start = (args: readonly string[], env: Record<string, string> = {}) =>
  startProgram([BUN, "infra/docker/program.ts", ...args], env);

test.each([
  [[], "nothing"],
  [["collectors"], '"collectors"'],
  [["collector", "--verbose"], '"collector --verbose"'],
])("the image's program started with %j lists what it can start, and ends with 2", async (args, given) => {
  await using program = start(args);
  expect(await program.exited).toBe(2);
  expect(program.output.stderr).toStartWith(
    `Cannot start ${given}: accepted is one of streamer, queue-service, collector, inventory, telemetry, api-gateway, ` +
      "all-in-one, healthcheck; ",
  );
});

test("the image's program starts the service that its argument names, in that service's own way", async () => {
  await using program = start(["telemetry"], { MAX_SUBSCRIPTIONS: "many" });
  expect(await program.exited).toBe(2);
  expect(program.output.stderr).toContain("MAX_SUBSCRIPTIONS");
});

test("the image's health check is what the service says of itself", async () => {
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
  // Of a service that does not heed API_PORT.
  expect(await check({ ...here, API_PORT: "1" })).toEqual([0, ""]);
  status = 500;
  expect(await check(here)).toEqual([1, `No answer from http://127.0.0.1:${service.port}/healthz\n`]);
  expect(await check({ PORT: "all" })).toEqual([1, expect.stringContaining("PORT")]);
});

test("healthAddresses() asks where the service listens", () => {
  const asked = (env: Record<string, string>) => healthAddresses(env).map(({ host }) => host);
  expect(asked({})).toEqual(["127.0.0.1:8080"]);
  expect(asked({ HOST: "0.0.0.0", PORT: "81" })).toEqual(["127.0.0.1:81"]);
  expect(asked({ HOST: "10.1.2.3", API_PORT: "82", PORT: "81" })).toEqual(["10.1.2.3:82", "10.1.2.3:81"]);
  expect(asked({ HOST: "::" })).toEqual(["[::1]:8080"]);
});
