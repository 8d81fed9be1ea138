/** The query planner, with selections in an order that it reads right. */
import { unifiedGraphHandler } from "@graphql-hive/router-runtime";
import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from "graphql";
import { ERROR_CODES } from "../../schema/errors.ts";

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

export const planQueries: typeof unifiedGraphHandler = async (options) => {
  const handled = await unifiedGraphHandler(options);
  const { executor } = handled;
  if (executor === undefined) return handled;
  // Plans are kept by document, so one document always becomes the same other one.
  const reordered = new WeakMap<DocumentNode, DocumentNode>();
  return {
    ...handled,
    executor(request) {
      let document = reordered.get(request.document);
      if (document === undefined) {
        document = reorder(request.document);
        reordered.set(request.document, document);
      }
      return executor(document === request.document ? request : { ...request, document });
    },
  };
};
