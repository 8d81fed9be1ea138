/** The places of sockets in a process, and the text that their operations may hold. */
import { Shares } from "../../platform/process/shares.ts";

/** Idle sockets cost little, and a page that reloads has two for a moment. */
const SOCKETS_PER_SUBSCRIPTION = 2;
/** In memory, text takes up to 26 times its size once it is parsed. 1,000 subscriptions need about 1 MB. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

export interface SocketPlaces {
  /** Sockets before their `connection_init` is acknowledged, so that callers without a token take no other's place. */
  readonly waiting: Shares;
  /** Acknowledged sockets. */
  readonly settled: Shares;
  /** Bytes of the messages that are under way on all sockets. */
  readonly text: Shares;
}

export const createSocketPlaces = (maxSubscriptions: number): SocketPlaces => ({
  waiting: new Shares({ places: maxSubscriptions, noun: "places of sockets that have not sent a token" }),
  settled: new Shares({ places: maxSubscriptions * SOCKETS_PER_SUBSCRIPTION, noun: "sockets" }),
  text: new Shares({ places: MAX_TEXT_BYTES, noun: "bytes of operations" }),
});
