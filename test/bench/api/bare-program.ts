/**
 * The yardstick: the product's HTTP server with a handler that returns prepared answers.
 * `bun bare-program.ts ANSWERS.json`
 */
import { readFile } from "node:fs/promises";
import { listen } from "../../../services/platform/http/listen.ts";

const [, , file = ""] = process.argv;
const answers = new Map(
  Object.entries(JSON.parse(await readFile(file, "utf8")) as Record<string, string>).map(([path, text]) => [
    path,
    new TextEncoder().encode(text),
  ]),
);
const headers = { "content-type": "application/json" };
const listener = await listen({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => {
    const { pathname, search } = new URL(request.url);
    const body = answers.get(pathname + search) ?? answers.get(pathname);
    return new Response(body ?? null, { status: body === undefined ? 404 : 200, headers });
  },
});
process.stdout.write(`${JSON.stringify({ message: "listening", url: listener.url })}\n`);
