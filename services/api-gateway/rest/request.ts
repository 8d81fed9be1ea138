/** Finds the route of a REST request and parses its parameters strictly: unknown ones are refused, not ignored. */
import type { GraphQLArgument, GraphQLSchema } from "graphql";
import { acceptedLimit } from "../../../schema/model/page.ts";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { shown } from "../../../schema/model/shown.ts";
import { REST_PATH, REST_ROUTES, type RestRoute } from "./contract.ts";

/** A request that has been parsed: a route and its parameters. */
export interface RestCall {
  readonly route: RestRoute;
  /** Variables of the route's query: `uuid` from the path, if it has one, and the query parameters that were given. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** The address by which the caller is counted. */
  readonly client?: string;
}

/** The older form of MIG uuids contains slashes: MIG-GPU-<uuid>/<gpu instance>/<compute instance>. */
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

/** Returns null when no route has this path. */
export type ReadRestCall = (url: URL) => Result<RestCall> | null;

export function createRequestReader(contract: GraphQLSchema): ReadRestCall {
  const fields = contract.getQueryType()?.getFields() ?? {};
  const routes = REST_ROUTES.map((route) => ({
    route,
    pattern: new RegExp(`^${REST_PATH}${route.path.replace(":uuid", UUID_SEGMENT)}$`),
    parameters: new Map(
      (fields[route.field]?.args ?? [])
        .filter(({ name }) => !route.path.includes(`:${name}`))
        .map((arg) => [arg.name, arg]),
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
          const accepted = names === "" ? "parameters must be left out" : `parameter must be one of ${names}`;
          return fail(`${accepted}, got ${shown(name)}`);
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
