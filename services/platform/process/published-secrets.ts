/** Secrets whose values are published with the sources, as a start for compose and for the raw manifests. */
import type { Env } from "./env.ts";
import type { Logger } from "./logger.ts";

/** How the values in infra/compose.yaml and infra/k8s/secrets begin. */
const PUBLISHED = /^(?:change-me|not-a-secret)/i;
const SECRETS = ["API_TOKEN", "ADMIN_TOKEN", "INTERNAL_TOKEN", "REDIS_PASSWORD"] as const;
const PASSWORD_IN_URI = /^[^:]+:\/\/[^:@/]*:([^@/]*)@/;

/** Warns of each variable with a published secret, and shows no value. */
export function warnOfPublishedSecrets(env: Env, log: Logger): void {
  const given = SECRETS.map((variable) => [variable, env[variable]] as const);
  const passwords = [...given, ["MONGODB_URI", PASSWORD_IN_URI.exec(env.MONGODB_URI ?? "")?.[1]] as const];
  for (const [variable, value = ""] of passwords) {
    if (PUBLISHED.test(value)) log.warn("a secret is public: replace the value from the examples", { variable });
  }
}
