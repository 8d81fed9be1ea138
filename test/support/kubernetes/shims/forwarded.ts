/** Stands in for `kubectl port-forward … :8080`, which needs a kubelet; adds its process id to `$SHIMS/forwards`. */
import { appendFileSync } from "node:fs";
import { PRODUCT } from "./product.ts";

const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, routes: PRODUCT });
appendFileSync(`${process.env.SHIMS}/forwards`, `${process.pid}\n`);
process.on("SIGTERM", () => process.exit(0));
process.stdout.write(`Forwarding from 127.0.0.1:${port} -> 8080\n`);
