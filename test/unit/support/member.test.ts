/** Members of a pipeline: killed, frozen, stopped and restarted at the same address. */
import { expect, test } from "bun:test";
import { Member } from "../../support/programs/member.ts";
import { BUN } from "../../support/programs/process.ts";
import { freePort } from "../../support/servers/free-port.ts";
import { eventually } from "../../support/time/eventually.ts";

/** Answers with its pid. Exits with status 7 on /end and with status 3 on SIGTERM. */
const PROGRAM = `
const server = Bun.serve({ port: Number(process.env.PORT), fetch(request) {
  if (request.url.endsWith("/end")) setTimeout(() => process.exit(7));
  return new Response(String(process.pid));
} });
process.on("SIGTERM", () => process.exit(3));
console.log(JSON.stringify({ message: "listening", url: server.url }));
`;

async function openMember(): Promise<{ member: Member; ask(path?: string): Promise<string> } & AsyncDisposable> {
  const port = await freePort();
  const member = new Member({ name: "server 0", command: [BUN, "-e", PROGRAM], env: { PORT: String(port) } });
  member.start();
  await member.listening();
  return {
    member,
    ask: async (path = "/") => (await fetch(`http://127.0.0.1:${port}${path}`, { keepalive: false })).text(),
    [Symbol.asyncDispose]: () => member[Symbol.asyncDispose](),
  };
}

test("start() after kill() runs a new process at the same port", async () => {
  await using opened = await openMember();
  const { member, ask } = opened;
  const first = await ask();
  await member.kill();
  expect(member.alive).toBe(false);
  await expect(ask()).rejects.toThrow();
  member.start();
  await member.listening();
  expect(await ask()).not.toBe(first);
  expect(member.ends).toEqual([]);
});

test("a frozen member answers once it is resumed, and can be killed while it is frozen", async () => {
  await using opened = await openMember();
  const { member, ask } = opened;
  let answered = false;
  const frozen = member.freeze();
  const answer = ask().then(() => {
    answered = true;
  });
  await eventually(
    () =>
      Bun.file(`/proc/${member.program.pid}/stat`)
        .text()
        .then((stat) => stat.includes(") T ")),
    { what: "the process to stop" },
  );
  expect(answered).toBe(false);
  frozen[Symbol.dispose]();
  await answer;
  using _again = member.freeze();
  await member.kill();
  expect(member.alive).toBe(false);
});

test("stop() resolves to the exit status; a life that ends by itself is kept with its output", async () => {
  await using opened = await openMember();
  const { member, ask } = opened;
  expect(await member.stop()).toBe(3);
  member.start();
  await member.listening();
  await ask("/end");
  await member.ended();
  expect(member.ends).toEqual([7]);
  expect(member.lastWords).toContain("listening");
});
