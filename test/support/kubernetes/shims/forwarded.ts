/** What a forward leads to, in place of `kubectl port-forward … LOCAL:8080`; `$SHIMS/forwards` gets its process id. */
import { appendFileSync } from "node:fs";

const port = Number(
  process.argv
    .slice(2)
    .find((word) => /^\d+:8080$/.test(word))
    ?.split(":")[0],
);
Bun.serve({
  hostname: "127.0.0.1",
  port,
  routes: {
    "/healthz": new Response("ok"),
    "/health": Response.json({ status: "healthy" }),
    "/api/v1/gpus": Response.json({ gpus: [], total: 24, next: null }),
  },
});
appendFileSync(`${process.env.SHIMS}/forwards`, `${process.pid}\n`);
process.on("SIGTERM", () => process.exit(0));
