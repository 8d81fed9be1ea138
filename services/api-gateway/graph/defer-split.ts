/** Splits a document with `@defer` into documents without it: one to answer now, and one per deferred fragment. */
import { GraphQLDeferDirective } from "@graphql-tools/utils";
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentSpreadNode,
  type GraphQLSchema,
  getDirectiveValues,
  getOperationAST,
  getVariableValues,
  type InlineFragmentNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  type SelectionNode,
  type SelectionSetNode,
  separateOperations,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** For each entity type: its key field, and the root field that returns the entities of many keys, in their order. */
const ENTITIES: Readonly<Record<string, { readonly key: string; readonly many: string }>> = {
  Gpu: { key: "uuid", many: "gpusByUuid(uuids: $__keys)" },
};

/** How many fragments of one document are deferred. Each may request as many entities as a page holds. */
const MAX_LATER = 10;

/** Alias of the list of entities in the answer to a later document. */
export const MANY = "__many";
/** The variable of a later document that holds the entities' keys. */
export const KEYS = "__keys";
/** Prefix of the alias that marks a deferred fragment in the first answer. The value is the entity's key or type. */
export const SPOT = "__deferred_";

/** A deferred fragment as a document of its own. */
export interface Later {
  /** Has no `@defer`. */
  readonly document: DocumentNode;
  readonly label: string | undefined;
  /** True for a fragment on an entity, whose document needs `KEYS`; false for a fragment on the query type. */
  readonly ofEntity: boolean;
}

export interface Split {
  /** The document with a mark in place of each deferred fragment. Has no `@defer`. */
  readonly now: DocumentNode;
  /** The deferred fragments. A mark's alias is `SPOT` and the fragment's index in this list. */
  readonly later: readonly Later[];
}

export interface SplitOptions {
  readonly schema: GraphQLSchema;
  readonly operationName?: string | undefined;
}

type Fragment = InlineFragmentNode | FragmentSpreadNode;

const deferOf = ({ directives }: Fragment): DirectiveNode | undefined =>
  directives?.find(({ name }) => name.value === GraphQLDeferDirective.name);

const without = <Node extends Fragment>(fragment: Node, defer: DirectiveNode): Node => ({
  ...fragment,
  directives: fragment.directives?.filter((directive) => directive !== defer),
});

/** Removes every `@defer`. Returns the same object if there is none. */
export function undeferred(document: DocumentNode): DocumentNode {
  const enter = <Node extends Fragment>(fragment: Node): Node | undefined => {
    const defer = deferOf(fragment);
    return defer && without(fragment, defer);
  };
  return visit(document, { InlineFragment: enter, FragmentSpread: enter });
}

/** Removes each `@defer` whose `if` is false. Returns null if the variables do not match their declarations. */
export function withConditions(
  document: DocumentNode,
  {
    schema,
    operationName,
    variables = {},
  }: SplitOptions & { variables?: Readonly<Record<string, unknown>> | undefined },
): DocumentNode | null {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const { coerced } = getVariableValues(schema, definitions, variables);
  if (coerced === undefined) return null;
  const enter = <Node extends Fragment>(fragment: Node): Node | undefined => {
    const defer = deferOf(fragment);
    if (defer === undefined) return undefined;
    return getDirectiveValues(GraphQLDeferDirective, fragment, coerced)?.if === false
      ? without(fragment, defer)
      : undefined;
  };
  return visit(document, { InlineFragment: enter, FragmentSpread: enter });
}

/** Returns the field that marks a deferred fragment. It has the same `@include` and `@skip` as the fragment. */
const markOf = (alias: string, name: string, { directives = [] }: Fragment): FieldNode => ({
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: alias },
  name: { kind: Kind.NAME, value: name },
  directives,
});
const selecting = (...selections: SelectionNode[]): SelectionSetNode => ({ kind: Kind.SELECTION_SET, selections });
const operationOf = (text: string) => parse(text).definitions[0] as OperationDefinitionNode;

/** Returns the parts of a query that selects the fragment for all entities whose keys are in the variable `KEYS`. */
function askMany(
  many: string,
  fragment: Fragment,
): Pick<OperationDefinitionNode, "selectionSet" | "variableDefinitions"> {
  const { selectionSet, variableDefinitions = [] } = operationOf(`query($${KEYS}: [ID!]!) { ${MANY}: ${many} { _ } }`);
  const [field] = selectionSet.selections as [FieldNode];
  return { selectionSet: selecting({ ...field, selectionSet: selecting(fragment) }), variableDefinitions };
}

/**
 * Defers fragments on the query type and on entities, because a later query can reach these. Other fragments, and those
 * beyond `MAX_LATER`, are answered at once. A deferred fragment inside another one is answered with the outer one.
 */
export function splitDocument(document: DocumentNode, { schema, operationName }: SplitOptions): Split {
  const operation = getOperationAST(document, operationName);
  if (operation == null) return { now: document, later: [] };
  const pick = (whole: DocumentNode) => separateOperations(whole)[operation.name?.value ?? ""] ?? whole;
  const { definitions } = undeferred(document);
  const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const typeInfo = new TypeInfo(schema);
  const later: Later[] = [];
  const enter = (fragment: Fragment): Fragment | FieldNode | undefined => {
    const defer = deferOf(fragment);
    const parent = typeInfo.getParentType();
    if (defer === undefined || parent == null) return undefined;
    const plain = without(fragment, defer);
    const entity = ENTITIES[parent.name];
    if (entity === undefined && parent !== schema.getQueryType()) return plain;
    if (later.length === MAX_LATER) return plain;
    const asked = entity === undefined ? { selectionSet: selecting(plain) } : askMany(entity.many, plain);
    const variableDefinitions = [...(operation.variableDefinitions ?? []), ...(asked.variableDefinitions ?? [])];
    const query = { ...operation, ...asked, variableDefinitions, operation: OperationTypeNode.QUERY };
    const label = defer.arguments?.find(({ name }) => name.value === "label")?.value;
    const number = later.push({
      document: pick(undeferred({ ...document, definitions: [query, ...fragments] })),
      label: label?.kind === Kind.STRING ? label.value : undefined,
      ofEntity: entity !== undefined,
    });
    return markOf(`${SPOT}${number - 1}`, entity?.key ?? "__typename", plain);
  };
  const now = visit(pick(document), visitWithTypeInfo(typeInfo, { InlineFragment: enter, FragmentSpread: enter }));
  return { now: pick(now), later };
}
