/** Answers `/about.json`, which the start page shows: version, uptime, subgraphs, and where the subgraphs run. */
import packageJson from "../../../package.json" with { type: "json" };
import { methodNotAllowed } from "../../platform/http/problem.ts";
import type { Clock } from "../../platform/process/clock.ts";

export const ABOUT_PATH = "/about.json";

interface About {
  readonly version: string;
  readonly uptimeSeconds: number;
  /** `embedded`: the whole pipeline runs in this process. `distributed`: a subgraph runs in another process. */
  readonly wiring: "embedded" | "distributed";
  /** Names of all subgraphs. `/health` reports unavailable subgraphs under the same names. */
  readonly subgraphs: readonly string[];
  /** True if all data are the simulated sample. */
  readonly sample: boolean;
}

export interface AboutParts extends Pick<About, "wiring" | "subgraphs" | "sample"> {
  readonly clock: Clock;
}

export function createAbout({ wiring, subgraphs, sample, clock }: AboutParts): (request: Request) => Response {
  const startedAt = clock.monotonic();
  return ({ method }) => {
    if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
    const about: About = {
      version: packageJson.version,
      uptimeSeconds: Math.floor((clock.monotonic() - startedAt) / 1000),
      wiring,
      subgraphs,
      sample,
    };
    return Response.json(about, { headers: { "cache-control": "no-store" } });
  };
}
