/** Limits the bytes of all answers that remote subgraphs give to one request of the gateway. */
import { AppError } from "../../../schema/model/errors.ts";
import { perRequest } from "../../platform/graphql/subgraph.ts";
import { readBody } from "../../platform/http/bounded-body.ts";

/** Twice the size of an answer that uses up the budget of readings of a request, with the GPUs. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const budgetOf = perRequest(() => ({ bytes: MAX_ANSWER_BYTES }));

/**
 * Returns the text of an answer, and deducts its bytes from the budget of the request that `context` belongs to.
 * @throws AppError `too_large` when the budget is exceeded
 */
export async function readAnswer(response: Response, context: object): Promise<string> {
  const budget = budgetOf(context);
  const body = await readBody(response, budget.bytes);
  if (body === null || body.byteLength > budget.bytes) {
    budget.bytes = 0;
    throw new AppError("The answer is too large: ask for fewer GPUs or fields, or lower the limits", {
      code: "too_large",
    });
  }
  budget.bytes -= body.byteLength;
  return new TextDecoder().decode(body);
}
