/**
 * Watches the driver's watch over its servers. On Bun a heartbeat that is sent on a connection just as the server closes
 * it is neither answered nor ended, and the driver then never looks at that server again.
 */
import type { MongoClient } from "mongodb";

export interface HeartbeatOptions {
  /** How long a heartbeat may take, without what it waits for at the server. */
  readonly limitMs: number;
  /** One takes longer: the client is of no use any more until it is closed and connected again. */
  readonly onStuck: (server: string) => void;
}

export function watchHeartbeats(client: MongoClient, { limitMs, onStuck }: HeartbeatOptions): Disposable {
  const underWay = new Map<string, ReturnType<typeof setTimeout>>();
  const end = (server: string): void => {
    clearTimeout(underWay.get(server));
    underWay.delete(server);
  };
  client.on("serverHeartbeatStarted", ({ connectionId, awaited }) => {
    end(connectionId);
    const waitMs = awaited ? client.options.heartbeatFrequencyMS : 0;
    const late = () => {
      underWay.delete(connectionId);
      onStuck(connectionId);
    };
    underWay.set(connectionId, setTimeout(late, limitMs + waitMs));
  });
  client.on("serverHeartbeatSucceeded", ({ connectionId }) => end(connectionId));
  client.on("serverHeartbeatFailed", ({ connectionId }) => end(connectionId));
  client.on("serverClosed", ({ address }) => end(address));
  return {
    [Symbol.dispose]: () => {
      for (const server of underWay.keys()) end(server);
    },
  };
}
