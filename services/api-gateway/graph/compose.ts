/** Subgraphs → supergraph, at build time; what comes out is committed. */
import { printSubgraphSchema } from "@apollo/subgraph";
import { composeServices, compositionHasErrors } from "@theguild/federation-composition";
import { type GraphQLSchema, parse } from "graphql";

/** The subgraph's SDL with its federation directives. */
export const printSubgraph = (schema: GraphQLSchema): string => `${printSubgraphSchema(schema).trim()}\n`;

/** Where a subgraph is by default, when it is not where its name says. */
const HOSTS: Readonly<Record<string, string>> = { pipeline: "queue-service" };

/** @throws Error that lists every reason why the subgraphs do not fit together */
export function composeSupergraph(sdls: Readonly<Record<string, string>>): string {
  const composed = composeServices(
    Object.entries(sdls).map(([name, sdl]) => ({
      name,
      url: `http://${HOSTS[name] ?? name}:8080/graphql`,
      typeDefs: parse(sdl),
    })),
  );
  if (compositionHasErrors(composed)) {
    throw new Error(`Subgraphs do not compose:\n${composed.errors.map((error) => `  ${error.message}`).join("\n")}`);
  }
  return `${composed.supergraphSdl.trim()}\n`;
}
