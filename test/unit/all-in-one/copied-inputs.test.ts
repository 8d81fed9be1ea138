import { afterAll, expect, test } from "bun:test";
import { readFile, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { type CopiedInputs, copyInputs, type InputOptions } from "../../../services/all-in-one/copied-inputs.ts";

const MIB = 1024 * 1024;
const large = Buffer.alloc(5 * MIB, "timestamp,metric_name\n");
const silent = new AbortController();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/silent")
      return new Response(new ReadableStream({ start: (body) => body.enqueue(Buffer.from("a")) }));
    if (pathname === "/large") return new Response(large);
    if (pathname === "/locked") return new Response(request.headers.get("authorization") ?? "nobody");
    return new Response("gone", { status: 404, statusText: "Not Found" });
  },
});
afterAll(async () => {
  silent.abort();
  await server.stop(true);
});

const copy = async (paths: readonly string[], options: Partial<InputOptions> = {}): Promise<CopiedInputs> => {
  const inputs = await copyInputs(paths, { stdin: Readable.from([]), signal: silent.signal, ...options });
  if (inputs === null) throw new Error("interrupted");
  return inputs;
};
const contentOf = ({ paths, copies }: CopiedInputs, index: number) =>
  readFile(copies.get(paths[index] as string) as string);

test("copyInputs() leaves files, folders and globs as they are", async () => {
  await using inputs = await copy(["a.csv", "exports/", "*.csv"]);
  expect(inputs).toMatchObject({ paths: ["a.csv", "exports/", "*.csv"], copies: new Map() });
});

test("copyInputs() copies standard input whole, names it by its beginning, and removes the copy", async () => {
  const chunks = Array.from({ length: 80 }, (_, index) =>
    large.subarray((index * large.length) / 80, ((index + 1) * large.length) / 80),
  );
  const names: string[] = [];
  for (const content of [chunks, [large], [Buffer.from("another")]]) {
    let path = "";
    {
      await using inputs = await copy(["-"], { stdin: Readable.from(content) });
      expect(Buffer.concat(content).equals(await contentOf(inputs, 0))).toBe(true);
      path = inputs.copies.get(inputs.paths[0] as string) as string;
      names.push(inputs.paths[0] as string);
    }
    expect(await stat(path).catch(() => "removed")).toBe("removed");
  }
  expect(names[0]).toMatch(/^standard input [0-9a-f]{8}$/);
  expect([names[1] === names[0], names[2] === names[0]]).toEqual([true, false]);
});

test("copyInputs() copies what an address answers, and keeps its credentials out of the name", async () => {
  const address = `http://me:s%C3%A9cret@127.0.0.1:${server.port}`;
  await using inputs = await copy([`${address}/large`, "b.csv", `${address}/locked`]);
  const bare = `http://127.0.0.1:${server.port}`;
  expect(inputs.paths).toEqual([`${bare}/large`, "b.csv", `${bare}/locked`]);
  expect(large.equals(await contentOf(inputs, 0))).toBe(true);
  expect((await contentOf(inputs, 2)).toString()).toBe(`Basic ${Buffer.from("me:sécret").toString("base64")}`);
});

test.each([
  { name: "an answer that is no success", path: "/gone", message: "the server answers 404 Not Found" },
  { name: "a server that falls silent", path: "/silent", message: "no answer for 0.05 s" },
  { name: "too large an answer", path: "/large", message: "it must be at most 4194304 bytes" },
])("copyInputs() names $name", async ({ path, message }) => {
  const address = `http://127.0.0.1:${server.port}${path}`;
  const copying = copy([address], { silenceMs: path === "/silent" ? 50 : 10_000, maxBytes: 4 * MIB });
  expect(copying).rejects.toThrow(`Cannot read ${address}: ${message}`);
  await copying.catch(() => {});
});

test("copyInputs() refuses a malformed address", () => {
  expect(copy(["http://"])).rejects.toThrow(
    'FILE must be a path, an address such as http://node:9400/metrics, or -, got "http://"',
  );
});

test("copyInputs() refuses too large a standard input, and stops waiting for it when the signal aborts", async () => {
  expect(copy(["-"], { stdin: Readable.from([large]), maxBytes: MIB })).rejects.toThrow("at most 1048576 bytes");
  const stop = new AbortController();
  const stdin = new Readable({ read: () => {} });
  const waiting = copyInputs(["-"], { stdin, signal: stop.signal });
  stop.abort();
  expect(await waiting).toBeNull();
});
