/** What a client of queue-service reads from the environment. */
import { type Env, parseEnv, text } from "../platform/process/env.ts";

export interface QueueClientConfig {
  readonly kind: "http";
  readonly url: string;
  readonly token: string | null;
}

const address = () =>
  text().refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
    message: "an address such as http://queue-service:8080",
  });

/** @throws ConfigError */
export function readQueueClientConfig(env: Env): QueueClientConfig {
  const given = parseEnv(env, {
    QUEUE_SERVICE_URL: address().default("http://queue-service:8080"),
    INTERNAL_TOKEN: text().optional(),
  });
  return { kind: "http", url: given.QUEUE_SERVICE_URL, token: given.INTERNAL_TOKEN ?? null };
}
