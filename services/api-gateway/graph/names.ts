/** Refuses aliases and variable names that would break an answer. */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import type { NameNode, ValidationRule } from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";

/**
 * The planner builds answers as plain objects, so an alias `__proto__` would change every object of this process, and
 * values under other names of `Object.prototype` would be lost. Aliases with `__` mark deferred fragments.
 */
const isReserved = (name: string): boolean => name.startsWith("__") || name === "prototype" || name in Object.prototype;

const noReservedNames: ValidationRule = (context) => {
  const judge = (kind: string, node: NameNode | undefined) => {
    if (node === undefined || !isReserved(node.value)) return;
    const message = `${kind} must not be a reserved name or begin with __, got ${JSON.stringify(node.value)}`;
    context.reportError(graphqlError("invalid", message, { nodes: node }));
  };
  return {
    Field: ({ alias }) => judge("The alias", alias),
    VariableDefinition: ({ variable }) => judge("The variable", variable.name),
  };
};

export const judgeNames = (): GatewayPlugin => ({
  onValidate: ({ addValidationRule }) => addValidationRule(noReservedNames),
});
