/** The query planner, with selections in an order that it reads right, and with `@defer`, which it does not know. */
import { unifiedGraphHandler } from "@graphql-hive/router-runtime";
import type { ExecutionRequest, Executor } from "@graphql-tools/utils";
import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";
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
 * router-runtime 1.4.23 appends one list to the other where a field with selections comes a second time, or after a
 * fragment that has it too (`{ ...F hosts { gpus } }`). Fields go first, once each; fragments are merged right.
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
 * It also takes an operation for introspection when a meta field stands before a fragment or other fields.
 * @throws GraphQLError for introspection and data in one operation, which it cannot plan at all
 */
function metaLast(set: SelectionSetNode): SelectionSetNode {
  const meta = set.selections.filter(isMeta);
  if (meta.length === 0 || meta.length === set.selections.length) return set;
  if (meta.some((selection) => selection.kind === Kind.FIELD && selection.selectionSet !== undefined)) {
    throw new GraphQLError("__schema and __type are asked for in an operation of their own, without other fields", {
      nodes: meta,
      extensions: { code: ERROR_CODES.invalid.graphql },
    });
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

/** Splits kept by document and operation, unless a variable says that some of it is not to be deferred. */
function keepSplits(schema: GraphQLSchema) {
  const kept = new WeakMap<DocumentNode, Map<string | undefined, Split>>();
  return ({ document, operationName, variables }: ExecutionRequest): Split | null => {
    const wanted = withConditions(document, { schema, operationName, variables });
    if (wanted === null) return null;
    if (wanted !== document) return splitDocument(wanted, { schema, operationName });
    const splits = kept.get(document) ?? new Map<string | undefined, Split>();
    const split = splits.get(operationName) ?? splitDocument(document, { schema, operationName });
    kept.set(document, splits.set(operationName, split));
    return split;
  };
}

export const planQueries =
  (log: Logger): typeof unifiedGraphHandler =>
  async (options) => {
    const handled = await unifiedGraphHandler({ ...options, unifiedGraph: withDefer(options.unifiedGraph) });
    const { executor, unifiedGraph: schema } = handled;
    if (executor === undefined) return handled;
    // The planner keeps plans by document object, so each document is rewritten to one other object.
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
