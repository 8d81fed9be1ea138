/**
 * Limits the rows that one operation requests by the `limit` arguments of its root lists. Fields below a row are
 * bounded where they are read, as their number depends on the fleet and not on the document: the telemetry subgraph has
 * a budget of readings per request, and answers of subgraphs in other processes have one of bytes.
 */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import {
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";

/** Ten times the longest page of GPUs. */
const MAX_ROWS = 100_000;

/** Root fields, including those in fragments. A field that occurs twice counts twice, though it is executed once. */
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
        // A second spread of the fragment selects the same fields.
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

/** Refuses operations whose limits add up to more than `MAX_ROWS`. */
export function limitRows(): GatewayPlugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const rows = rootFields(args).reduce((sum, field) => sum + limitOf(field, args), 0);
      if (rows <= MAX_ROWS) return;
      const message =
        `The limits of all lists must add up to at most ${MAX_ROWS.toLocaleString("en-US")} rows, got ` +
        `${rows.toLocaleString("en-US")}: split the operation or lower the limits`;
      setResultAndStopExecution({ errors: [graphqlError("too_large", message)] });
    },
  };
}
