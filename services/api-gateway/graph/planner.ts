/** Wraps Hive's query planner: reorders selections that the planner would handle wrongly, and adds `@defer`. */
import { unifiedGraphHandler } from "@graphql-hive/router-runtime";
import type { ExecutionRequest, Executor } from "@graphql-tools/utils";
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";
import { exposeError } from "../../platform/graphql/subgraph.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { oncePerKey } from "../../platform/process/once-per-key.ts";
import { takesParts, withDefer } from "./defer.ts";
import { answerInParts } from "./defer-answer.ts";
import { type Split, splitDocument, undeferred, withConditions } from "./defer-split.ts";

/** `__typename`, `__schema` and `__type`. */
const isMeta = (selection: SelectionNode): boolean =>
  selection.kind === Kind.FIELD && selection.name.value.startsWith("__");

const keyOf = (field: FieldNode): string => (field.alias ?? field.name).value;

const inFragment = (field: FieldNode): SelectionNode => ({
  kind: Kind.INLINE_FRAGMENT,
  selectionSet: { kind: Kind.SELECTION_SET, selections: [field] },
});

/**
 * Moves fields before fragments, and wraps the second occurrence of a field in a fragment. If a list occurs twice, or
 * after a fragment that selects it, too (`{ ...F hosts { gpus } }`), router-runtime 1.4.23 appends one result to the
 * other. It merges a field with the fragments after it correctly.
 */
function fieldsFirst(set: SelectionSetNode): SelectionSetNode | undefined {
  const fields = new Map<string, SelectionNode>();
  const rest: SelectionNode[] = [];
  let moved = false;
  for (const selection of set.selections) {
    if (selection.kind !== Kind.FIELD) rest.push(selection);
    else if (!fields.has(keyOf(selection))) {
      moved ||= rest.length > 0 && selection.selectionSet !== undefined;
      fields.set(keyOf(selection), selection);
    } else {
      moved ||= selection.selectionSet !== undefined;
      rest.push(inFragment(selection));
    }
  }
  return moved ? { ...set, selections: [...fields.values(), ...rest] } : undefined;
}

/**
 * Moves meta fields to the end. If a meta field comes before a fragment or another field, router-runtime treats the
 * whole operation as introspection.
 * @throws GraphQLError if the operation mixes introspection and data, which router-runtime cannot plan
 */
function metaLast(set: SelectionSetNode): SelectionSetNode {
  const meta = set.selections.filter(isMeta);
  if (meta.length === 0 || meta.length === set.selections.length) return set;
  if (meta.some((selection) => selection.kind === Kind.FIELD && selection.selectionSet !== undefined)) {
    throw graphqlError("invalid", "__schema and __type must be in an operation without other fields", { nodes: meta });
  }
  return { ...set, selections: [...set.selections.filter((selection) => !isMeta(selection)), ...meta] };
}

const reorder = (document: DocumentNode): DocumentNode =>
  visit(document, {
    SelectionSet: { leave: fieldsFirst },
    OperationDefinition: {
      leave(operation) {
        const selectionSet = metaLast(operation.selectionSet);
        return selectionSet === operation.selectionSet ? undefined : { ...operation, selectionSet };
      },
    },
  });

/** Caches splits by document and operation. If a variable disables a `@defer`, the split is not cached. */
function keepSplits(schema: GraphQLSchema) {
  const splitsOf = oncePerKey((_document: DocumentNode) => new Map<string | undefined, Split>());
  return ({ document, operationName, variables }: ExecutionRequest): Split | null => {
    const wanted = withConditions(document, { schema, operationName, variables });
    if (wanted === null) return null;
    if (wanted !== document) return splitDocument(wanted, { schema, operationName });
    const splits = splitsOf(document);
    const split = splits.get(operationName) ?? splitDocument(document, { schema, operationName });
    splits.set(operationName, split);
    return split;
  };
}

export const planQueries =
  (log: Logger): typeof unifiedGraphHandler =>
  async (options) => {
    const handled = await unifiedGraphHandler({ ...options, unifiedGraph: withDefer(options.unifiedGraph) });
    const { executor, unifiedGraph: schema } = handled;
    if (executor === undefined) return handled;
    // The planner caches plans by document object, so each document must always be rewritten to the same object.
    const whole = oncePerKey(undeferred);
    const ordered = oncePerKey(reorder);
    const splitOf = keepSplits(schema);
    const execute: Executor = (request) => executor({ ...request, document: ordered(request.document) });
    return {
      ...handled,
      executor(request) {
        const document = whole(request.document);
        const isDeferred = document !== request.document && takesParts(request.context);
        const split = isDeferred ? splitOf(request) : null;
        if (split === null) return execute({ ...request, document });
        return answerInParts(request, split, { execute, expose: (error) => exposeError(error, log) });
      },
    };
  };
