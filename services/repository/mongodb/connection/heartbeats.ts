/**
 * Detects heartbeats of the driver that never end. On Bun a heartbeat that is sent just as the server closes its
 * connection neither succeeds nor fails, and the driver then never checks that server again.
 */
import type { MongoClient } from "mongodb";

export interface HeartbeatOptions {
  /** How long a heartbeat may take, beyond the time for which the driver asks the server to wait for a change. */
  readonly limitMs: number;
  /** Called when a heartbeat takes longer. The client does not recover until it is closed and connected again. */
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
