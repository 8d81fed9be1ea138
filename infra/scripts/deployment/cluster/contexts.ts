/** Reads the contexts of the user's kubeconfig. */
import type { Shell } from "../run/shell.ts";

interface Config {
  readonly "current-context"?: string;
  readonly contexts?: readonly { name: string; context: { cluster: string; namespace?: string } }[] | null;
  readonly clusters?: readonly { name: string; cluster: { server: string } }[] | null;
}

export interface Contexts {
  readonly current: string | null;
  /** Address of the context's API server; null if the context does not exist. */
  server(context: string): string | null;
  namespace(context: string): string | null;
}

const NONE: Contexts = { current: null, server: () => null, namespace: () => null };

export async function readContexts(shell: Shell): Promise<Contexts> {
  const outcome = await shell.ask(["kubectl", "config", "view", "--output", "json"]);
  if (outcome === null || outcome.code !== 0) return NONE;
  const config = JSON.parse(outcome.stdout) as Config;
  const contextOf = (name: string) => config.contexts?.find((each) => each.name === name)?.context;
  return {
    current: config["current-context"] || null,
    server: (name) => {
      const cluster = contextOf(name)?.cluster;
      return config.clusters?.find((each) => each.name === cluster)?.cluster.server ?? null;
    },
    namespace: (name) => contextOf(name)?.namespace ?? null,
  };
}
