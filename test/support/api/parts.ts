/** Reads an answer in parts (`multipart/mixed`), and merges them as a client does. */
import type { GraphqlAnswer } from "./graphql-answer.ts";

type Path = readonly (string | number)[];

export interface Part extends GraphqlAnswer {
  readonly hasNext: boolean;
  readonly incremental?: readonly {
    readonly data: Record<string, unknown> | null;
    readonly path: Path;
    readonly label?: string;
    readonly errors?: GraphqlAnswer["errors"];
  }[];
}

export interface Parts extends AsyncDisposable {
  readonly response: Response;
  /** Returns the next part, undefined after the last. */
  next(): Promise<Part | undefined>;
  rest(): Promise<Part[]>;
}

const BOUNDARY = "\r\n---";

export async function openParts(
  url: string,
  body: { readonly query: string; readonly variables?: object },
  headers: Record<string, string> = {},
): Promise<Parts> {
  const leave = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "multipart/mixed", ...headers },
    body: JSON.stringify(body),
    signal: leave.signal,
  });
  if (response.body === null) throw new Error(`No body: ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  /** Returns a part as soon as the boundary after it has arrived; undefined after the last boundary. */
  async function next(): Promise<Part | undefined> {
    for (;;) {
      const start = buffered.indexOf("\r\n\r\n");
      const end = buffered.indexOf(BOUNDARY, start === -1 ? 0 : start + 4);
      if (start !== -1 && end !== -1) {
        const text = buffered.slice(start + 4, end);
        buffered = buffered.slice(end);
        return JSON.parse(text) as Part;
      }
      const { done, value } = await reader.read();
      if (!done) buffered += value;
      else if (buffered.startsWith(`${BOUNDARY}--`)) return undefined;
      else throw new Error(`The parts end with ${JSON.stringify(buffered.slice(-100))}`);
    }
  }
  return {
    response,
    next,
    async rest() {
      const parts: Part[] = [];
      for (let part = await next(); part !== undefined; part = await next()) parts.push(part);
      return parts;
    },
    [Symbol.asyncDispose]: async () => leave.abort(),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: any shape that JSON has
function mergeInto(target: any, source: any): any {
  if (typeof target !== "object" || target === null || typeof source !== "object" || source === null) return source;
  for (const [key, value] of Object.entries(source))
    target[key] = key in target ? mergeInto(target[key], value) : value;
  return target;
}

/** The answer that the parts make together. */
export function mergeParts(parts: readonly Part[]): GraphqlAnswer {
  const [first, ...later] = parts;
  const merged = { data: structuredClone(first?.data) };
  const errors = [...(first?.errors ?? [])];
  for (const { data, path, errors: more } of later.flatMap(({ incremental = [] }) => incremental)) {
    errors.push(...(more ?? []));
    const key = ["data", ...path];
    const last = key.pop() as string | number;
    // biome-ignore lint/suspicious/noExplicitAny: any shape that JSON has
    const parent = key.reduce((at: any, step) => at[step], merged);
    parent[last] = mergeInto(parent[last], data);
  }
  return errors.length === 0 ? merged : { ...merged, errors };
}
