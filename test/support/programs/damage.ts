/** A server that answers like the API, with one defect. */
import { listen } from "../../../services/platform/http/listen.ts";
import type { Check } from "./system-test.ts";

interface Body {
  gpus: unknown[];
  telemetry: { timestamp: string }[];
  [field: string]: unknown;
}

/** Returns the damaged answer, or null to leave the answer as it is. */
export type Damage = (url: URL, answer: () => Promise<Body>) => Promise<Response | null> | Response | null;

const damaged =
  (fits: (url: URL) => boolean, change: (body: Body, url: URL) => void): Damage =>
  async (url, answer) => {
    if (!fits(url)) return null;
    const body = await answer();
    change(body, url);
    return Response.json(body);
  };
const isList = ({ pathname }: URL): boolean => pathname === "/api/v1/gpus";
const isDetail = ({ pathname }: URL): boolean => /^\/api\/v1\/gpus\/GPU-[^/]+$/.test(pathname);
const isTelemetry = ({ pathname }: URL): boolean => pathname.endsWith("/telemetry");

/** One defect for each check over HTTP: the one that the check must find. */
export const DAMAGES: Readonly<Record<Exclude<Check, "ingestion" | "logs">, Damage>> = {
  health: ({ pathname }) =>
    pathname === "/health" ? Response.json({ status: "unhealthy", dependencies: {} }, { status: 503 }) : null,
  list: damaged(
    (url) => isList(url) && url.search === "",
    (body) => void body.gpus.reverse(),
  ),
  detail: damaged(
    (url) => isDetail(url) && !url.pathname.includes("-0000-0000-0000-"),
    (body) => {
      body.hostname = "another-host";
    },
  ),
  telemetry: damaged(
    (url) => isTelemetry(url) && url.search === "?limit=100",
    (body) => {
      body.count = 7;
    },
  ),
  order: damaged(
    (url) => isTelemetry(url) && url.search === "?limit=500",
    (body) => void body.telemetry.reverse(),
  ),
  "time filter": damaged(
    (url) => isTelemetry(url) && url.searchParams.has("end_time") && url.searchParams.has("limit"),
    (body, url) => {
      const end = Date.parse(url.searchParams.get("end_time") ?? "");
      body.telemetry = body.telemetry.filter(({ timestamp }) => Date.parse(timestamp) < end);
    },
  ),
  structure: damaged(
    (url) => isList(url) && url.searchParams.get("limit") === "50",
    (body) => {
      for (const gpu of body.gpus as { container?: string | null }[]) delete gpu.container;
    },
  ),
  "400": ({ searchParams }) => (searchParams.has("colour") ? Response.json({ telemetry: [], count: 0 }) : null),
  "404": ({ pathname }) => (pathname === "/nothing" ? new Response("Welcome!", { status: 404 }) : null),
  swagger: ({ pathname }) => (pathname === "/openapi.json" ? new Response("{}") : null),
};

/** Serves the damaged answers on a free port. */
export const serveDamaged = (answer: (request: Request) => Promise<Response>, damage: Damage) =>
  listen({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const body = async () => (await (await answer(request)).json()) as Body;
      return (await damage(new URL(request.url), body)) ?? answer(request);
    },
  });
