/** Checks that the deployed API answers the requests that its users send first. */
import { setTimeout as sleep } from "node:timers/promises";
import { Trouble } from "../run/trouble.ts";

const HEALTHY_MS = 90_000;
/** Covers the time from the first row of the file to the first GPU in the list. */
const GPUS_MS = 60_000;
const POLL_MS = 250;
const ASK_MS = 5000;

async function ask(url: string): Promise<{ status: number; body: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    return { status: 0, body: error instanceof Error ? error.message : String(error) };
  }
}

const totalIn = (body: string): number => {
  try {
    return Number((JSON.parse(body) as { total?: number }).total ?? 0);
  } catch {
    return 0;
  }
};

/** Asks until the answer fits or the time is up; returns the last answer. */
async function until(url: string, fits: (answer: { status: number; body: string }) => boolean, limitMs: number) {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask(url);
    if (fits(answer) || performance.now() > deadline) return answer;
    await sleep(POLL_MS);
  }
}

/** Status 0: no answer, and the body says why. */
export const readHealth = (url: string): Promise<{ status: number; body: string }> => ask(`${url}/health`);

/**
 * Resolves with a summary when the API is healthy and lists GPUs, or when it lists none within 60 s.
 *
 * @throws Trouble if it is not healthy within 90 s
 */
export async function checkAnswers(api: string): Promise<string> {
  const health = await until(`${api}/health`, ({ status }) => status === 200, HEALTHY_MS);
  if (health.status !== 200) {
    throw new Trouble(`${api}/health is not healthy after ${HEALTHY_MS / 1000} s: ${health.body.slice(0, 500)}`, {
      next: ["just status", "just logs api-gateway"],
    });
  }
  const list = await until(`${api}/api/v1/gpus?limit=1`, ({ body }) => totalIn(body) > 0, GPUS_MS);
  const total = totalIn(list.body);
  if (list.status === 401 || list.status === 403) return "healthy; the API requires a token";
  return total > 0 ? `healthy, ${total} GPUs` : "healthy, no GPUs yet: just logs streamer, just logs collector";
}

export function tryIt(port: number, kubectlOptions: string): string {
  const url = `http://localhost:${port}`;
  return `
Check it:
  kubectl ${kubectlOptions}get pods
  curl ${url}/health
  curl '${url}/api/v1/gpus?limit=3'

Open it:
  ${url}/                     overview and examples
  ${url}/graphql              GraphQL
  ${url}/swagger/index.html   REST
`;
}
