/** Names of a document's own that no object of an answer can safely have, or that the gateway has uses for itself. */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import { GraphQLError, type NameNode, type ValidationRule } from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";

/**
 * The planner builds answers as plain objects: under the name `__proto__` it would write into every object of this
 * process, and values under names that all objects have are lost. What begins with `__` marks what is deferred.
 */
const isReserved = (name: string): boolean => name.startsWith("__") || name === "prototype" || name in Object.prototype;

const noReservedNames: ValidationRule = (context) => {
  const judge = (kind: string, node: NameNode | undefined) => {
    if (node === undefined || !isReserved(node.value)) return;
    const message = `${kind} ${JSON.stringify(node.value)} is reserved: accepted is another name, without __ at its start`;
    context.reportError(new GraphQLError(message, { nodes: node, extensions: { code: ERROR_CODES.invalid.graphql } }));
  };
  return {
    Field: ({ alias }) => judge("The alias", alias),
    VariableDefinition: ({ variable }) => judge("The variable", variable.name),
  };
};

export const judgeNames = (): GatewayPlugin => ({
  onValidate: ({ addValidationRule }) => addValidationRule(noReservedNames),
});
