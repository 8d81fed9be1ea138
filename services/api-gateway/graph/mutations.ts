/** Refuses mutations of callers that do not send ADMIN_TOKEN, over HTTP and WebSocket. */
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import { type ExecutionArgs, GraphQLError, getOperationAST, OperationTypeNode } from "graphql";
import { type Access, bearerOf } from "../edge/access.ts";

const OFF = "Mutations are disabled: set ADMIN_TOKEN to allow them to callers that send it";
const NOT_ALLOWED =
  "Mutations need ADMIN_TOKEN: send it as Authorization: Bearer …, over WebSocket in connectionParams";

interface CallerContext {
  readonly request?: Request;
  /** Over WebSocket: the payload of `connection_init`. */
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
}

const authorizationOf = ({ request, connectionParams }: CallerContext): string | null =>
  connectionParams === undefined ? (request?.headers.get("authorization") ?? null) : bearerOf(connectionParams);

export function guardMutations(access: Access): GatewayPlugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { document, operationName, contextValue } = args as ExecutionArgs & { contextValue: CallerContext };
      const operation = getOperationAST(document, operationName);
      if (operation?.operation !== OperationTypeNode.MUTATION) return;
      if (access.allowsAdmin(authorizationOf(contextValue))) return;
      const error = new GraphQLError(access.hasAdmin ? NOT_ALLOWED : OFF, { extensions: { code: "FORBIDDEN" } });
      setResultAndStopExecution({ errors: [error] });
    },
  };
}
