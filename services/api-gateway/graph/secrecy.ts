/** Hides the schema: refuses introspection, and removes suggestions of existing names from errors. */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import { type ASTVisitor, GraphQLError, getNamedType, isIntrospectionType, type ValidationContext } from "graphql";

const OFF = "Introspection is disabled: INTROSPECTION=true enables it";

const noIntrospection = (context: ValidationContext): ASTVisitor => ({
  Field(node) {
    const type = getNamedType(context.getType());
    if (type && isIntrospectionType(type)) {
      context.reportError(new GraphQLError(OFF, { nodes: node, extensions: { code: "FORBIDDEN" } }));
      return false;
    }
    return undefined;
  },
});

/** Removes the `Did you mean …?` that graphql-js appends to messages. */
export function withoutHints(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/\s*Did you mean .*\?$/s, "");
  if (message === error.message) return error;
  const { nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  });
}

export function hideSchema(): GatewayPlugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(noIntrospection);
      return ({ valid, result, setResult }) => {
        if (!valid) setResult((result as readonly GraphQLError[]).map(withoutHints));
      };
    },
  };
}
