/** What the gateway says of itself to the start page: its version, for how long it runs, and over what. */
import packageJson from "../../../package.json" with { type: "json" };
import { methodNotAllowed } from "../../platform/http/problem.ts";

export const ABOUT_PATH = "/about.json";

interface About {
  readonly version: string;
  readonly uptimeSeconds: number;
  /** `embedded`: every part is in this process. */
  readonly wiring: "embedded" | "distributed";
  /** By the names that `/health` says when they are away. */
  readonly subgraphs: readonly string[];
}

export function createAbout({
  wiring,
  subgraphs,
}: Pick<About, "wiring" | "subgraphs">): (request: Request) => Response {
  return ({ method }) => {
    if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
    const about: About = {
      version: packageJson.version,
      uptimeSeconds: Math.floor(performance.now() / 1000),
      wiring,
      subgraphs,
    };
    return Response.json(about, { headers: { "cache-control": "no-store" } });
  };
}
