/** Well-behaved clients: each asks, reads the whole answer, and waits before it asks again. */
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";

const PAUSE_MS = 250;
const PATIENCE_MS = 30_000;
const JSON_BODY = { "content-type": "application/json" };

export interface GoodFigures {
  /** Duration of each answer with status 200, ms. */
  readonly latencies: number[];
  /** Frames of live subscriptions. */
  frames: number;
  /** Answers other than 200, by status, and closed subscriptions, by close code. */
  readonly refusals: Map<string, number>;
  /** Requests that got neither an answer nor a status. */
  lost: number;
}

const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Requests by number of the client: lists, one GPU, readings, a join over GraphQL. */
function requestOf(url: string, client: number, uuids: readonly string[]): readonly [url: string, init?: RequestInit] {
  const uuid = uuids[client % uuids.length];
  const query = "{ gpus(limit: 20) { gpus { uuid hostname latest { metricName value } } } }";
  const requests: readonly (readonly [string, RequestInit?])[] = [
    [`${url}/api/v1/gpus?limit=50`],
    [`${url}/api/v1/gpus/${uuid}`],
    [`${url}/api/v1/gpus/${uuid}/telemetry?limit=100`],
    [`${url}/graphql`, { method: "POST", headers: JSON_BODY, body: JSON.stringify({ query }) }],
  ];
  return requests[client % requests.length] as (typeof requests)[number];
}

const addressOf = (client: number): string => `192.0.2.${client + 1}`;

async function askAgainAndAgain(
  url: string,
  client: number,
  uuids: readonly string[],
  signal: AbortSignal,
  figures: GoodFigures,
) {
  const [path, init = {}] = requestOf(url, client, uuids);
  const headers = { ...(init.headers as Record<string, string>), "x-forwarded-for": addressOf(client) };
  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      const response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      const text = await response.text();
      const code = /"code":"([A-Z_]+)"/.exec(text)?.[1];
      if (response.status !== 200) count(figures.refusals, String(response.status));
      else if (code !== undefined) count(figures.refusals, code);
      else figures.latencies.push(performance.now() - startedAt);
    } catch {
      figures.lost++;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function subscribe(url: string, client: number, signal: AbortSignal, figures: GoodFigures): Promise<void> {
  const { socket, closed, send } = await openRawSocket(url, { client: addressOf(client) });
  socket.on("message", (data) => {
    if (String(data).startsWith('{"type":"ping"')) send({ type: "pong" });
    else figures.frames++;
  });
  send(subscribeMessage("a", 'subscription { readings(minInterval: "1s") { readings { value } missed } }'));
  const left = new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
  const code = await Promise.race([closed, left]);
  if (code !== null) count(figures.refusals, `closed ${code}`);
  socket.terminate();
}

/** Runs `clients` of them for a time. Every fifth one has a live subscription. */
export async function runGood(
  url: string,
  { clients, seconds, uuids }: { clients: number; seconds: number; uuids: readonly string[] },
): Promise<GoodFigures> {
  const figures: GoodFigures = { latencies: [], frames: 0, refusals: new Map(), lost: 0 };
  const { signal } = { signal: AbortSignal.timeout(seconds * 1000) };
  await Promise.all(
    Array.from({ length: clients }, (_, client) =>
      client % 5 === 4
        ? subscribe(url, client, signal, figures)
        : askAgainAndAgain(url, client, uuids, signal, figures),
    ),
  );
  return figures;
}
