/**
 * Limits the rows that one operation requests. It counts the `limit` arguments of root lists, the uuids that the
 * operation names, and a fixed number for each list without a limit. How many items the fields below a row have depends
 * on the fleet, not on the document, so they are limited where they are read: the subgraphs have a budget of items per
 * request, and the answers of subgraphs in other processes have a budget of bytes.
 */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import {
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type SelectionSetNode,
  valueFromASTUntyped,
} from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";

/** Ten times the longest page of GPUs. */
const MAX_ROWS = 100_000;
/**
 * Rows that a list without a `limit` counts as. A fleet has no more hosts than GPUs: as many as the longest page.
 * Placements are cut at 10,000.
 */
const UNPAGED_ROWS: Readonly<Record<string, number>> = { hosts: 10_000, placements: 10_000 };

/** Returns the root fields, also those in fragments. A field that occurs twice counts twice, but is executed once. */
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

/** Returns the value that the document gives to an argument, or undefined if it gives none. */
function givenValue(field: FieldNode, name: string, variables: ExecutionArgs["variableValues"]): unknown {
  const value = field.arguments?.find((argument) => argument.name.value === name)?.value;
  return value === undefined ? undefined : valueFromASTUntyped(value, variables);
}

function rowsOf(field: FieldNode, { schema, variableValues }: ExecutionArgs): number {
  const fixed = UNPAGED_ROWS[field.name.value];
  if (fixed !== undefined) return fixed;
  const known = schema.getQueryType()?.getFields()[field.name.value]?.args ?? [];
  const limit = known.find(({ name }) => name === "limit");
  if (limit !== undefined) {
    const given = givenValue(field, "limit", variableValues);
    return typeof given === "number" && given > 0 ? given : Number(limit.defaultValue ?? 0);
  }
  const uuids = known.some(({ name }) => name === "uuids") ? givenValue(field, "uuids", variableValues) : undefined;
  return Array.isArray(uuids) ? uuids.length : 0;
}

/** Refuses operations whose rows add up to more than `MAX_ROWS`. */
export function limitRows(): GatewayPlugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const rows = rootFields(args).reduce((sum, field) => sum + rowsOf(field, args), 0);
      if (rows <= MAX_ROWS) return;
      const message =
        `The rows of all lists must add up to at most ${MAX_ROWS.toLocaleString("en-US")} rows, got ` +
        `${rows.toLocaleString("en-US")}: split the operation or lower the limits`;
      setResultAndStopExecution({ errors: [graphqlError("too_large", message)] });
    },
  };
}
