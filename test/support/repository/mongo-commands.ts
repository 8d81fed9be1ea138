/** Counts the commands that MongoDB clients of this process send, and the documents that they write. */
import { type CommandStartedEvent, type CommandSucceededEvent, MongoClient } from "mongodb";

/** Returns the address of the server for clients that report their commands. */
export const monitored = (uri: string): string => `${uri}${uri.includes("?") ? "&" : "?"}monitorCommands=true`;

export interface Counts {
  /** Documents inserted, deleted, or matched by an update, by collection. */
  readonly written: Map<string, number>;
  /** Commands by name and collection, such as `find turns`. */
  readonly commands: Map<string, number>;
}

export interface CommandCounter extends Disposable {
  /** Returns what has been counted since the last call. */
  take(): Counts;
}

const NAMES = ["insert", "update", "delete", "find", "aggregate", "getMore", "findAndModify"];
const WRITES = ["insert", "update", "delete"];

/** Counts the commands of all clients that connect until it is disposed of. */
export function countCommands(): CommandCounter {
  let counts: Counts = { written: new Map(), commands: new Map() };
  const add = (map: Map<string, number>, key: string, count: number) => map.set(key, (map.get(key) ?? 0) + count);
  const watched = new WeakSet<MongoClient>();
  const watch = (client: MongoClient): void => {
    const started = new Map<number, string>();
    client.on("commandStarted", ({ requestId, commandName, command }: CommandStartedEvent) => {
      if (NAMES.includes(commandName)) started.set(requestId, String(command[commandName]));
    });
    client.on("commandFailed", ({ requestId }) => started.delete(requestId));
    client.on("commandSucceeded", ({ requestId, commandName, reply }: CommandSucceededEvent) => {
      const collection = started.get(requestId);
      if (collection === undefined) return;
      started.delete(requestId);
      add(counts.commands, `${commandName} ${collection}`, 1);
      const { n = 0 } = reply as { n?: number };
      if (WRITES.includes(commandName)) add(counts.written, collection, n);
    });
  };
  const { connect } = MongoClient.prototype;
  MongoClient.prototype.connect = function (this: MongoClient) {
    if (!watched.has(this)) watch(this);
    watched.add(this);
    return connect.call(this);
  };
  return {
    take() {
      const taken = counts;
      counts = { written: new Map(), commands: new Map() };
      return taken;
    },
    [Symbol.dispose]() {
      MongoClient.prototype.connect = connect;
    },
  };
}
