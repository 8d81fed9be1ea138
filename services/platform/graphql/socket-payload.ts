/** What is kept of the payloads that a client sends over WebSocket. */
import { type DocumentNode, Kind, parse } from "graphql";
import type { SubscribePayload } from "graphql-ws";

/** The payload of a `connection_init`. */
export type Params = Record<string, unknown> | undefined;

/** The token of a `connection_init`, all that is kept of its payload. */
export function tokenOf(params: Params): Params {
  if (params === undefined) return undefined;
  const { authorization, Authorization } = params;
  const token = authorization ?? Authorization;
  return typeof token === "string" ? { authorization: token } : {};
}

function documentOf(query: string): DocumentNode | null {
  try {
    return parse(query, { noLocation: true });
  } catch {
    return null;
  }
}

/** The variables that the document declares. GraphQL ignores others, which would be kept while the operation runs. */
export function declaredOf({ query, variables }: SubscribePayload): Record<string, unknown> {
  const given = Object.keys(variables ?? {}).length === 0 ? null : documentOf(query);
  const declared: Record<string, unknown> = {};
  for (const definition of given?.definitions ?? []) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { variable } of definition.variableDefinitions ?? []) {
      const { value: name } = variable.name;
      if (variables !== null && variables !== undefined && Object.hasOwn(variables, name)) {
        Object.defineProperty(declared, name, { value: variables[name], enumerable: true });
      }
    }
  }
  return declared;
}
