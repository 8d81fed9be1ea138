/** What a gateway may ask a subgraph's `_entities` for. */
import { type GraphQLSchema, isUnionType } from "graphql";
import { refuse } from "../../../schema/model/arguments.ts";

/** The same schema, in which a representation of what is no entity is a caller's mistake that says what is one. */
export function judgeRepresentations(schema: GraphQLSchema): GraphQLSchema {
  const union = schema.getType("_Entity");
  const field = schema.getQueryType()?.getFields()._entities;
  const resolve = field?.resolve;
  if (field === undefined || resolve === undefined || !isUnionType(union)) return schema;
  const names = union.getTypes().map(({ name }) => name);
  field.resolve = (root, args, context, info) => {
    for (const representation of args.representations) {
      if (names.includes(representation?.__typename)) continue;
      refuse("representations", representation, `an object whose __typename is ${names.join(" or ")}`);
    }
    return resolve(root, args, context, info);
  };
  return schema;
}
