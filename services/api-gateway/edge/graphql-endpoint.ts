/** The GraphQL endpoint: its path, and how large one request to it may be. */

export const GRAPHQL_PATH = "/graphql";

/** Bytes of a request's body over HTTP; characters of one operation over WebSocket. */
export const MAX_BODY_BYTES = 100_000;
