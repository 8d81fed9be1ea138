/**
 * Validates `@defer`, and decides whether a caller gets its answer in parts. Callers that send
 * `Accept: multipart/mixed` do (in the format of 2022: `incremental`, `path`, `hasNext`). All others get the answer in
 * one piece, which the specification allows.
 */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import { GraphQLDeferDirective } from "@graphql-tools/utils";
import { type DirectiveNode, GraphQLSchema, Kind, type ValidationRule, visit } from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";

const NO_STREAM =
  "@stream is not supported: page through lists with `limit` and `after`, and put @defer on slow fields";

export const withDefer = (schema: GraphQLSchema): GraphQLSchema =>
  new GraphQLSchema({ ...schema.toConfig(), directives: [...schema.getDirectives(), GraphQLDeferDirective] });

const invalid = (message: string, nodes: DirectiveNode | readonly DirectiveNode[]) =>
  graphqlError("invalid", message, { nodes });

const mayDefer: ValidationRule = (context) => {
  const labels = new Map<string, DirectiveNode>();
  const schema = context.getSchema();
  const roots: readonly unknown[] = [schema.getMutationType(), schema.getSubscriptionType()];
  return {
    Directive(node) {
      if (node.name.value !== GraphQLDeferDirective.name) return;
      const parent = context.getParentType();
      if (parent != null && roots.includes(parent)) {
        context.reportError(invalid(`@defer must be on a type below ${parent.name}, got one on ${parent.name}`, node));
      }
      const label = node.arguments?.find(({ name }) => name.value === "label")?.value;
      if (label === undefined) return;
      if (label.kind !== Kind.STRING)
        return context.reportError(invalid("The label of @defer must be a string literal", node));
      const other = labels.get(label.value);
      if (other !== undefined) {
        const message = `The label of @defer must be unique, got ${JSON.stringify(label.value)} twice`;
        context.reportError(invalid(message, [other, node]));
      }
      labels.set(label.value, node);
    },
  };
};

/** Validates `@defer`, and refuses `@stream` with a reason. */
export const judgeDirectives = (): GatewayPlugin => ({
  onValidate({ params, addValidationRule, setResult }) {
    const streams: DirectiveNode[] = [];
    visit(params.documentAST, {
      Directive: (node) => {
        if (node.name.value === "stream") streams.push(node);
      },
    });
    if (streams.length > 0) setResult([invalid(NO_STREAM, streams)]);
    else addValidationRule(mayDefer);
  },
});

/** Whether the caller accepts an answer in parts. Always false over WebSocket, where callers send no Accept header. */
export function takesParts(context: { readonly request?: Request } | undefined): boolean {
  const accept = context?.request?.headers.get("accept") ?? "";
  return /(^|,)\s*multipart\/mixed\s*(;|,|$)/i.test(accept);
}
