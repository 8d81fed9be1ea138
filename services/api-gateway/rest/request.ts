/** Which route a REST request means, and its parameters: read strictly, so that a misspelt one is never ignored. */
import type { GraphQLArgument, GraphQLSchema } from "graphql";
import { acceptedLimit } from "../../../schema/model/page.ts";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { shown } from "../../../schema/model/shown.ts";
import { REST_PATH, REST_ROUTES, type RestRoute } from "./contract.ts";

export interface RestRequest {
  readonly route: RestRoute;
  /** Of the route's query: `uuid` where the path has one, and the query parameters that were given. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The older MIG form has slashes of its own: MIG-GPU-<uuid>/<gpu instance>/<compute instance>. */
const UUID_SEGMENT = "(MIG-GPU-[^/]+/\\d+/\\d+|[^/]+)";

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function readValue(argument: GraphQLArgument, values: readonly string[], route: RestRoute): Result<unknown> {
  const { name } = argument;
  const type = String(argument.type);
  const accepted =
    type === "Int" && route.limits !== null ? acceptedLimit(route.limits) : "text (leave it out for no restriction)";
  if (values.includes("")) return fail(`${name} must be ${accepted}, got ""`);
  if (type.startsWith("[")) return ok(values);
  const [value = ""] = values;
  if (values.length > 1) return fail(`${name} must be given once, got ${values.length} values`);
  if (type !== "Int") return ok(value);
  const number = /^-?\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  return Number.isNaN(number) ? fail(`${name} must be ${accepted}, got ${shown(value)}`) : ok(number);
}

/** Null: no such path. */
export type ReadRestRequest = (url: URL) => Result<RestRequest> | null;

export function createRequestReader(contract: GraphQLSchema): ReadRestRequest {
  const fields = contract.getQueryType()?.getFields() ?? {};
  const routes = REST_ROUTES.map((route) => ({
    route,
    pattern: new RegExp(`^${REST_PATH}${route.path.replace(":uuid", UUID_SEGMENT)}$`),
    parameters: new Map(
      (fields[route.field]?.args ?? []).filter(({ name }) => name !== "uuid").map((arg) => [arg.name, arg]),
    ),
  }));
  return ({ pathname, searchParams }) => {
    for (const { route, pattern, parameters } of routes) {
      const match = pattern.exec(pathname);
      if (match === null) continue;
      const variables: Record<string, unknown> = match[1] === undefined ? {} : { uuid: decode(match[1]) };
      for (const name of new Set(searchParams.keys())) {
        const argument = parameters.get(name);
        if (argument === undefined) {
          const names = [...parameters.keys()].join(", ");
          return fail(`Unknown parameter ${shown(name)}: accepted ${names === "" ? "is none" : `are ${names}`}`);
        }
        const value = readValue(argument, searchParams.getAll(name), route);
        if (!value.ok) return value;
        variables[name] = value.value;
      }
      return ok({ route, variables });
    }
    return null;
  };
}
