/**
 * graphql-transport-ws on a socket of this server, within limits: what a client sends is bounded before it is parsed,
 * what is kept of it is bounded while it is answered, and every message to the client waits until there is room for it.
 */
import type { Hooks, Peer } from "crossws";
import type { ExecutionArgs, GraphQLError } from "graphql";
import { handleProtocols, makeServer, type ServerOptions, type SubscribePayload } from "graphql-ws";
import type { SocketHooks } from "../http/listen.ts";
import type { Logger } from "../process/logger.ts";
import type { Turns } from "../process/turns.ts";
import type { Answer } from "./answer.ts";
import { graphqlError } from "./errors.ts";
import { Link, type SocketState } from "./socket-link.ts";
import { declaredOf, type Params, tokenOf } from "./socket-payload.ts";
import { exposeError } from "./subgraph.ts";

/** Bytes of a message before the connection is acknowledged. A token needs far less, and nothing else is read. */
export const MAX_INIT_BYTES = 8192;
/** Longer payloads of a `ping` are not repeated in its `pong`. Clients that measure latency send a number or an id. */
const MAX_PONG_CHARACTERS = 125;
/** What a short message counts as: its operation needs more than its text. */
const MIN_MESSAGE_BYTES = 512;
const TOO_BIG = 1009;
const FAILED = 1011;
const TRY_AGAIN = 1013;

export interface SocketLimits {
  /** Bytes of one message. A longer one ends its socket with 1009. */
  readonly maxMessageBytes: number;
  /** Bytes of the messages of one socket that are under way, refusals that wait for room included. Beyond: 1013. */
  readonly maxTextBytes: number;
}

export type SocketOptions<State> = ServerOptions<Params, State>;

type Context<State> = Parameters<NonNullable<SocketOptions<State>["onSubscribe"]>>[0];

export interface GraphqlSocketParts<State extends SocketState> {
  readonly options: SocketOptions<State>;
  /** The errors that refuse an operation; null: it may run. Called before `options.onSubscribe`. */
  readonly refusalOf?: (
    context: Context<State>,
    id: string,
    payload: SubscribePayload,
  ) => readonly GraphQLError[] | null;
  readonly limits: SocketLimits;
  /** The turns in which operations begin. Default: each begins at once. */
  readonly turns?: Turns;
  readonly open: (peer: Peer) => State;
  readonly upgrade: (request: Request) => Response | null;
  readonly log: Logger;
}

/** graphql-ws keeps the payload for as long as the operation runs. */
type Kept = { -readonly [Name in keyof SubscribePayload]: SubscribePayload[Name] };

/** What this server adds to the context of an operation, and reads of it. */
interface OperationContext {
  readonly answer?: Answer;
  /** Aborts when the client completes the operation, or its socket closes. */
  left?: AbortSignal;
}

const TOO_MUCH = "The operations under way hold too much text: try again later, or send shorter ones";

/** The text of a `next` message. */
function nextMessage(id: string, result: unknown, { rows }: Answer): string {
  const text = `{"id":${JSON.stringify(id)},"type":"next","payload":${JSON.stringify(result)}}`;
  if (rows === null || rows.isEmpty) return text;
  let message = "";
  for (const part of rows.expand(text)) message += typeof part === "string" ? part : Buffer.from(part).toString();
  return message;
}

async function* nothing(): AsyncGenerator<never> {}

export function createGraphqlSocket<State extends SocketState>(parts: GraphqlSocketParts<State>): SocketHooks {
  const { options, limits, log } = parts;
  const links = new WeakMap<object, Link<State>>();
  /** By state, which graphql-ws hands to its hooks. */
  const linksOf = new WeakMap<State, Link<State>>();

  const server = makeServer<Params, State>({
    ...options,
    async onConnect(context) {
      const link = linksOf.get(context.extra);
      // At once: an operation may come before the acknowledgement is sent.
      if (link !== undefined) {
        link.isReady = true;
        link.known = context.subscriptions;
      }
      const permitted = await options.onConnect?.(context);
      (context as { connectionParams?: Params }).connectionParams = tokenOf(context.connectionParams);
      return permitted;
    },
    async onSubscribe(context, id, payload) {
      const kept: Kept = payload;
      const refused = (errors: readonly GraphQLError[]) => {
        Object.assign(kept, { query: "", variables: {}, extensions: {} });
        return errors;
      };
      const link = linksOf.get(context.extra);
      if (link?.isOverloaded) return refused([graphqlError("overloaded", TOO_MUCH)]);
      const errors = parts.refusalOf?.(context, id, payload) ?? null;
      if (errors !== null) return refused(errors);
      try {
        await parts.turns?.enter(context.extra.client ?? "");
      } catch (error) {
        return refused([exposeError(error, log)]);
      }
      kept.variables = declaredOf(payload);
      const begun = await options.onSubscribe?.(context, id, payload);
      if (Array.isArray(begun)) return refused(begun);
      kept.extensions = {};
      // A result that could not be sent is not computed.
      await context.extra.room.wait();
      Object.assign((begun as ExecutionArgs | undefined)?.contextValue ?? {}, { left: link?.begin(id) });
      return begun;
    },
    async onOperation(context, id, payload, args, result) {
      const replaced = await options.onOperation?.(context, id, payload, args, result);
      if (replaced !== undefined || Symbol.asyncIterator in result) return replaced;
      const { answer, left } = args.contextValue as OperationContext;
      if (answer === undefined) return undefined;
      // The answer holds its part of the process until its reader has taken the text, so it is sent here.
      using _held = answer;
      answer.made();
      const { room } = context.extra;
      if (!left?.aborted && (await room.send(() => nextMessage(id, result, answer)))) await room.wait();
      return nothing();
    },
  });

  async function pong(link: Link<State>, payload: unknown): Promise<void> {
    // As in RFC 6455, one pong may answer several pings.
    if (link.isPonging) return;
    link.isPonging = true;
    const text = payload === undefined ? "" : JSON.stringify(payload);
    const repeated = text !== "" && text.length <= MAX_PONG_CHARACTERS ? `,"payload":${text}` : "";
    await link.state.room.send(`{"type":"pong"${repeated}}`, { isPing: true });
    link.isPonging = false;
  }

  const hooks: Partial<Hooks> = {
    upgrade(upgrade) {
      const refusal = parts.upgrade(upgrade as Request);
      if (refusal !== null) return refusal;
      const protocol = handleProtocols(upgrade.headers.get("sec-websocket-protocol") ?? "");
      return protocol === false ? undefined : { headers: { "Sec-WebSocket-Protocol": protocol } };
    },
    open(peer) {
      const state = parts.open(peer);
      const { room } = state;
      const link = new Link(state);
      links.set(peer.websocket, link);
      linksOf.set(state, link);
      const protocol = handleProtocols(peer.request.headers.get("sec-websocket-protocol") ?? "");
      link.signalClosure = server.opened(
        {
          protocol: protocol === false ? "" : protocol,
          send: async (text) => void (await room.send(text)),
          close: (code = 1000, reason = "") => room.end(code, reason),
          onMessage: (receive) => {
            link.receive = receive;
          },
          onPing: (payload) => void pong(link, payload),
          onPong: () => {},
        },
        state,
      ) as Link<State>["signalClosure"];
    },
    async message(peer, message) {
      const link = links.get(peer.websocket);
      if (link === undefined || link.state.room.isEnded) return;
      const { state } = link;
      state.heard?.();
      const text = message.text();
      const size = Buffer.byteLength(text);
      if (size > limits.maxMessageBytes) {
        return state.room.end(TOO_BIG, `A message must have at most ${limits.maxMessageBytes} bytes`);
      }
      if (!link.isReady && size > MAX_INIT_BYTES) {
        return state.room.end(TOO_BIG, `connection_init must have at most ${MAX_INIT_BYTES} bytes`);
      }
      const counted = Math.max(size, MIN_MESSAGE_BYTES);
      if (link.textBytes + counted > limits.maxTextBytes) return state.room.end(TRY_AGAIN, TOO_MUCH);
      const release = state.hold === undefined ? () => {} : state.hold(counted);
      link.textBytes += counted;
      try {
        link.isOverloaded = release === null;
        await link.receive(text);
        link.stopLeft();
      } catch (error) {
        log.error("socket failed", { error });
        state.room.end(FAILED, "Internal error");
      } finally {
        link.textBytes -= counted;
        release?.();
      }
    },
    close(peer, { code = 1000, reason = "" } = {}) {
      const link = links.get(peer.websocket);
      if (link === undefined) return;
      links.delete(peer.websocket);
      link.stopLeft({ isClosed: true });
      link.state.close();
      void link.signalClosure(code, reason);
    },
    error(peer, error) {
      log.debug("socket failed", { error });
      links.get(peer.websocket)?.state.room.end(FAILED, "Internal error");
    },
  };
  return { ...hooks, maxMessageBytes: limits.maxMessageBytes };
}
