/** The GraphQL endpoint: its path, and the maximum size of a request. */

export const GRAPHQL_PATH = "/graphql";

/** Maximum size: of an HTTP request's body in bytes, and of one operation over WebSocket in characters. */
export const MAX_BODY_BYTES = 100_000;
