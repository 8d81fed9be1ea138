/** Bytes that subgraphs in other processes may answer to one request of the gateway, however many fetches it takes. */
import { AppError } from "../../../schema/model/errors.ts";
import { perRequest } from "../../platform/graphql/subgraph.ts";
import { readBody } from "../../platform/http/bounded-body.ts";

/** A request's whole budget of readings, and the GPUs that they hang on, fit twice. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const budgetOf = perRequest(() => ({ bytes: MAX_ANSWER_BYTES }));

/** The text of an answer, taken from the budget of the request that `context` stands for. @throws AppError `too_large` */
export async function readAnswer(response: Response, context: object): Promise<string> {
  const budget = budgetOf(context);
  const body = await readBody(response, budget.bytes);
  if (body === null || body.byteLength > budget.bytes) {
    budget.bytes = 0;
    throw new AppError(
      "The query asks for more than fits one answer: ask for fewer GPUs or fields, or smaller limits",
      {
        code: "too_large",
      },
    );
  }
  budget.bytes -= body.byteLength;
  return new TextDecoder().decode(body);
}
