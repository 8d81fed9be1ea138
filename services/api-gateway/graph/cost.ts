/**
 * Rows that one operation may ask for. What hangs on a row is bounded where it is read: the telemetry subgraph has a
 * budget of readings for each request, and what subgraphs in other processes answer has one of bytes. A rule that only
 * sees the document cannot do that: a list of 10,000 GPUs is as long as the fleet is large.
 */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import {
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  getOperationAST,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";

/** Ten times the longest list there is. */
const MAX_ROWS = 100_000;

/** Fields of the root, those in fragments too; what is merged with another counts twice, which is no harm. */
function rootFields(args: ExecutionArgs): readonly FieldNode[] {
  const fragments = new Map(
    args.document.definitions
      .filter((definition): definition is FragmentDefinitionNode => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  );
  const found: FieldNode[] = [];
  const collect = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) found.push(selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
      else {
        const fragment = fragments.get(selection.name.value);
        // Another spread of it selects the same.
        fragments.delete(selection.name.value);
        if (fragment !== undefined) collect(fragment.selectionSet);
      }
    }
  };
  const operation = getOperationAST(args.document, args.operationName);
  if (operation) collect(operation.selectionSet);
  return found;
}

function limitOf(field: FieldNode, { schema, variableValues }: ExecutionArgs): number {
  const known = schema
    .getQueryType()
    ?.getFields()
    [field.name.value]?.args.find(({ name }) => name === "limit");
  if (known === undefined) return 0;
  const given = field.arguments?.find(({ name }) => name.value === "limit")?.value;
  const value =
    given?.kind === Kind.VARIABLE
      ? variableValues?.[given.name.value]
      : given?.kind === Kind.INT
        ? Number(given.value)
        : undefined;
  return typeof value === "number" && value > 0 ? value : Number(known.defaultValue ?? 0);
}

/** All limits of an operation's lists together are held to `MAX_ROWS`. */
export function limitRows(): GatewayPlugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const rows = rootFields(args).reduce((sum, field) => sum + limitOf(field, args), 0);
      if (rows <= MAX_ROWS) return;
      const message =
        `The limits of all lists together are ${rows.toLocaleString("en-US")} rows: accepted are ` +
        `${MAX_ROWS.toLocaleString("en-US")}; ask in several operations, or with smaller limits`;
      setResultAndStopExecution({
        errors: [new GraphQLError(message, { extensions: { code: ERROR_CODES.too_large.graphql } })],
      });
    },
  };
}
