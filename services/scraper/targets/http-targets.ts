/** Targets that an HTTP address lists, as Prometheus' http_sd does. */
import { fail, type Result } from "../../../schema/model/result.ts";
import { get, readText } from "../http/get.ts";
import type { TlsConfig } from "../http/tls.ts";
import type { Target } from "./target.ts";
import { MAX_LIST_BYTES, parseTargetGroups } from "./target-groups.ts";
import type { TargetSource } from "./target-source.ts";

/** How long an answer may take: a list of 20,000 targets is made and sent in less. */
const TIMEOUT_MS = 30_000;
/** How soon an address is asked again until it has given its first list, without which nothing is scraped. */
const FIRST_LIST_RETRY_MS = 5000;
/** Prometheus accepts this type alone. */
const CONTENT_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?)?$/i;

export interface HttpTargetsOptions {
  readonly url: string;
  readonly intervalMs: number;
  readonly tls: TlsConfig;
}

export class HttpTargets implements TargetSource {
  readonly name: string;
  targets: readonly Target[] = [];
  problem: string | undefined;
  failures = 0;
  readonly #options: HttpTargetsOptions;

  constructor(options: HttpTargetsOptions) {
    this.#options = options;
    // Parameters of the address may be secret.
    this.name = options.url.replace(/[?#].*$/, "");
  }

  async follow({ clock, changed, signal }: Parameters<TargetSource["follow"]>[0]): Promise<void> {
    const { intervalMs } = this.#options;
    let hasList = false;
    while (!signal.aborted) {
      const list = await this.#ask(signal);
      if (signal.aborted) return;
      if (list.ok) {
        hasList = true;
        this.targets = list.value;
      } else this.failures++;
      this.problem = list.ok ? undefined : list.error;
      changed();
      await clock.sleep(hasList ? intervalMs : Math.min(intervalMs, FIRST_LIST_RETRY_MS), { signal });
    }
  }

  async #ask(signal: AbortSignal): Promise<Result<readonly Target[]>> {
    const { url, intervalMs, tls } = this.#options;
    const late = AbortSignal.timeout(TIMEOUT_MS);
    const either = AbortSignal.any([signal, late]);
    try {
      const headers = {
        accept: "application/json",
        "accept-encoding": "gzip",
        "x-prometheus-refresh-interval-seconds": String(intervalMs / 1000),
      };
      using response = await get(url, { headers, tls, signal: either });
      if (response.status !== 200) return fail(`answer must have status 200, got ${response.status}`);
      if (!CONTENT_TYPE.test(response.type)) {
        return fail(`answer must have the type application/json, got ${JSON.stringify(response.type)}`);
      }
      const text = await readText(response, { maxBytes: MAX_LIST_BYTES, limit: "", signal: either });
      return text.ok ? parseTargetGroups(text.value, { isJson: true }) : text;
    } catch (error) {
      if (late.aborted) return fail(`answer must arrive within ${TIMEOUT_MS}ms`);
      return fail(error instanceof Error && error.message !== "" ? error.message : String(error));
    }
  }
}
