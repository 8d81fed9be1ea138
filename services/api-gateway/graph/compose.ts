/** Composes the subgraphs into the supergraph at build time; the result is committed. */
import { printSubgraphSchema } from "@apollo/subgraph";
import { composeServices, compositionHasErrors } from "@theguild/federation-composition";
import { type GraphQLSchema, parse } from "graphql";
import { SUBGRAPH_URLS, type SubgraphName } from "../config.ts";

/** Returns the SDL of a subgraph with its federation directives. */
export const printSubgraph = (schema: GraphQLSchema): string => `${printSubgraphSchema(schema).trim()}\n`;

/** @throws Error with every reason why the subgraphs do not compose */
export function composeSupergraph(sdls: Readonly<Record<SubgraphName, string>>): string {
  const names = Object.keys(sdls) as SubgraphName[];
  const composed = composeServices(
    names.map((name) => ({ name, url: SUBGRAPH_URLS[name], typeDefs: parse(sdls[name]) })),
  );
  if (compositionHasErrors(composed)) {
    throw new Error(`Subgraphs do not compose:\n${composed.errors.map((error) => `  ${error.message}`).join("\n")}`);
  }
  return `${composed.supergraphSdl.trim()}\n`;
}
