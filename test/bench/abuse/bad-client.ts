/** What every misbehaving client has: its target, its address, and the tally of outcomes. */

export interface Target {
  readonly url: string;
  /** Services that only the gateway and its peers should call; none when embedded. */
  readonly internal: readonly string[];
  readonly queue: string | null;
  readonly internalToken: string;
  readonly uuids: readonly string[];
}

export interface BadClient extends Target {
  readonly address: string;
  /** Aborts when no further attack begins. Requests that are sent by then are still answered. */
  readonly signal: AbortSignal;
  /** Counts an outcome: a status, a close code, or what the client did. */
  readonly tally: (outcome: string) => void;
}

/** One round of an attack. Runs again after a pause until the bench ends. */
export type Attack = (client: BadClient) => Promise<void>;

/** How long a client waits for an answer. Longer than the slowest query may take. */
export const PATIENCE_MS = 45_000;
/** How much of an answer's beginning and end is searched for the code of its error. */
const SEARCHED = 2000;

/** JSON that takes many times its length in memory. */
export const junk = (characters: number): object[] => Array.from({ length: Math.floor(characters / 3) }, () => ({}));

export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
  });

/** Reads an answer to its end without keeping it. @returns its beginning and end */
async function drained(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [first, last] = ["", ""];
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    const text = decoder.decode(chunk, { stream: true });
    if (first.length < SEARCHED) first += text.slice(0, SEARCHED);
    last = (last + text.slice(-SEARCHED)).slice(-SEARCHED);
  }
  return first + last;
}

/** The status of an answer that is read to its end, with the code of its error; it must have one. */
export async function statusOf({ address }: BadClient, url: string, init: RequestInit = {}): Promise<string> {
  const headers = { "x-forwarded-for": address, ...(init.headers as Record<string, string>) };
  try {
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    const code = /"code":"([A-Z_]+)"/.exec(await drained(response))?.[1];
    return code === undefined ? String(response.status) : `${response.status} ${code}`;
  } catch (error) {
    return `no answer: ${error instanceof Error ? error.message.slice(0, 60) : error}`;
  }
}

export const post = (client: BadClient, url: string, body: BodyInit, headers: Record<string, string> = {}) =>
  statusOf(client, url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });

export const token = ({ internalToken }: BadClient) => ({ authorization: `Bearer ${internalToken}` });
