/** Validates the representations that a gateway passes to `_entities`. */
import { type GraphQLSchema, isUnionType } from "graphql";
import { refuse } from "../../../schema/model/arguments.ts";

/** Changes the schema so that `_entities` refuses a representation of an unknown type, and lists the known ones. */
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
