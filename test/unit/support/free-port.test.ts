import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { BUN, ROOT, startProgram } from "../../support/programs/process.ts";
import { freePort } from "../../support/servers/free-port.ts";
import { eventually } from "../../support/time/eventually.ts";

const CHILD = `
const { freePort } = await import(${JSON.stringify(join(ROOT, "test/support/servers/free-port.ts"))});
console.log(JSON.stringify(await Promise.all(Array.from({ length: 250 }, freePort))));
`;

test("freePort() returns each port once, across processes that run at the same time", async () => {
  const children = Array.from({ length: 3 }, () => startProgram([BUN, "-e", `${CHILD} setInterval(() => {}, 1000);`]));
  const ended = startProgram([BUN, "-e", CHILD]);
  expect(await ended.exited).toBe(0);
  const ports: number[] = await Promise.all(Array.from({ length: 250 }, freePort));
  for (const child of children) {
    await eventually(() => child.output.stdout.endsWith("\n"), { what: "the ports of a child" });
    ports.push(...(JSON.parse(child.output.stdout) as number[]));
    await child[Symbol.asyncDispose]();
  }
  expect(new Set(ports).size).toBe(4 * 250);
}, 60_000);

test("freePort() skips a port that a server uses", async () => {
  const next = (await freePort()) + 1;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(next, "127.0.0.1", resolve));
  expect(await freePort()).not.toBe(next);
  await new Promise((resolve) => server.close(resolve));
}, 60_000);
