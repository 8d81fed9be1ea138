/** Splits a document with `@defer` into several without: one to answer now, and one per deferred fragment. */
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

/** By entity type: the field that is its key, and the root field that resolves many keys, in the order of the keys. */
const ENTITIES: Readonly<Record<string, { readonly key: string; readonly many: string }>> = {
  Gpu: { key: "uuid", many: "gpusByUuid(uuids: $__keys)" },
};

/** Deferred fragments of one document. Each of them may request as many entities as a page holds. */
const MAX_LATER = 10;

/** Alias of the list of entities in the answer to a later document. */
export const MANY = "__many";
/** The variable of a later document that holds the entities' keys. */
export const KEYS = "__keys";
/** Prefix of the alias that marks a deferred fragment in the first answer. The value is the entity's key or type. */
export const SPOT = "__deferred_";

export interface Later {
  /** Without `@defer`. */
  readonly document: DocumentNode;
  readonly label: string | undefined;
  /** Whether the fragment is on an entity, so that `KEYS` must be set; otherwise it is on the query type. */
  readonly ofEntity: boolean;
}

export interface Split {
  /** Without `@defer`. */
  readonly now: DocumentNode;
  /** Indexed by the number after `SPOT` in the answer to `now`. */
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

/** The document with every `@defer` removed; the same object when there is none. */
export function undeferred(document: DocumentNode): DocumentNode {
  const enter = <Node extends Fragment>(fragment: Node): Node | undefined => {
    const defer = deferOf(fragment);
    return defer && without(fragment, defer);
  };
  return visit(document, { InlineFragment: enter, FragmentSpread: enter });
}

/** The document without those `@defer` whose `if` is false. Null: the variables do not match their declarations. */
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

/** A field in place of the fragment, with the same `@include` and `@skip`. */
const markOf = (alias: string, name: string, { directives = [] }: Fragment): FieldNode => ({
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: alias },
  name: { kind: Kind.NAME, value: name },
  directives,
});
const selecting = (...selections: SelectionNode[]): SelectionSetNode => ({ kind: Kind.SELECTION_SET, selections });
const operationOf = (text: string) => parse(text).definitions[0] as OperationDefinitionNode;

/** A query of the fragment for all entities whose keys are in the variable `KEYS`. */
function askMany(
  many: string,
  fragment: Fragment,
): Pick<OperationDefinitionNode, "selectionSet" | "variableDefinitions"> {
  const { selectionSet, variableDefinitions = [] } = operationOf(`query($${KEYS}: [ID!]!) { ${MANY}: ${many} { _ } }`);
  const [field] = selectionSet.selections as [FieldNode];
  return { selectionSet: selecting({ ...field, selectionSet: selecting(fragment) }), variableDefinitions };
}

/**
 * Defers fragments on the query type and on entities, which a later query can address. All others, and those beyond
 * `MAX_LATER`, are answered at once. A fragment that is deferred inside a deferred one comes with the outer one.
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
