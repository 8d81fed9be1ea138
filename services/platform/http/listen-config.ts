/** The address on which a service listens, from the environment. */
import { type Env, integer, parseEnv, text } from "../process/env.ts";

export interface ListenConfig {
  /** If 0, the system chooses a free port. */
  readonly port: number;
  readonly host: string;
  /** The variable that `port` comes from; absent: PORT. */
  readonly portVariable?: string;
}

export const port = () => integer({ max: 65_535 });

/** @throws ConfigError */
export function readListenConfig(env: Env): ListenConfig {
  const given = parseEnv(env, { PORT: port().default(8080), HOST: text().default("127.0.0.1") });
  return { port: given.PORT, host: given.HOST };
}
