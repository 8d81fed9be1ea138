/**
 * `@defer`: what is slow comes in parts of its own, to callers that take parts (`Accept: multipart/mixed`, the format of
 * 2022: `incremental`, `path`, `hasNext`). All others get the whole answer in one piece, as the specification allows.
 */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import { GraphQLDeferDirective } from "@graphql-tools/utils";
import { type DirectiveNode, GraphQLError, GraphQLSchema, Kind, type ValidationRule, visit } from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";

const NO_STREAM =
  "@stream is not offered: ask for a list page by page, with `limit` and `after`, or @defer what is slow";

export const withDefer = (schema: GraphQLSchema): GraphQLSchema =>
  new GraphQLSchema({ ...schema.toConfig(), directives: [...schema.getDirectives(), GraphQLDeferDirective] });

const invalid = (message: string, nodes: DirectiveNode | readonly DirectiveNode[]) =>
  new GraphQLError(message, { nodes, extensions: { code: ERROR_CODES.invalid.graphql } });

const mayDefer: ValidationRule = (context) => {
  const labels = new Map<string, DirectiveNode>();
  const schema = context.getSchema();
  const roots: readonly unknown[] = [schema.getMutationType(), schema.getSubscriptionType()];
  return {
    Directive(node) {
      if (node.name.value !== GraphQLDeferDirective.name) return;
      const parent = context.getParentType();
      if (parent != null && roots.includes(parent)) {
        context.reportError(invalid(`@defer is for fields below ${parent.name}, not for its own`, node));
      }
      const label = node.arguments?.find(({ name }) => name.value === "label")?.value;
      if (label === undefined) return;
      if (label.kind !== Kind.STRING) return context.reportError(invalid("A label of @defer is a literal text", node));
      const other = labels.get(label.value);
      if (other !== undefined) {
        const message = `Two @defer have the label ${JSON.stringify(label.value)}: each needs one of its own`;
        context.reportError(invalid(message, [other, node]));
      }
      labels.set(label.value, node);
    },
  };
};

/** Judges `@defer`, and refuses `@stream` with a reason. */
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

/** Whether the caller of this request reads an answer that comes in parts. Over WebSocket nobody says so. */
export function takesParts(context: { readonly request?: Request } | undefined): boolean {
  const accept = context?.request?.headers.get("accept") ?? "";
  return /(^|,)\s*multipart\/mixed\s*(;|,|$)/i.test(accept);
}
