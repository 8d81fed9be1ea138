/** Translates errors of the MongoDB driver. */
import {
  MongoAPIError,
  MongoClientClosedError,
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from "mongodb";
import { AppError, isAppError } from "../../../../schema/model/errors.ts";

export const DUPLICATE_KEY = 11_000;

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/** Server codes (mongodb.com/docs/manual/reference/error-codes) for a document that the server can never store. */
const BAD_DOCUMENT: ReadonlySet<number> = new Set([2, 9, 14, 16, 22, 52, 56, 57, 121, 10_334, 17_280, 17_419, 17_420]);

/** Advice for each code that denies access. */
const DENIED: ReadonlyMap<number, string> = new Map([
  [13, "grant the user readWrite on the database"],
  [18, "check the user and the password in MONGODB_URI"],
  [8000, "check the user and the password in MONGODB_URI"],
]);

/** True if the server denies access, so that a retry does not help. */
export const isDenied = (error: unknown): boolean =>
  isAppError(error) && error.cause instanceof MongoServerError && DENIED.has(Number(error.cause.code));

/** True if no server was found, or the connection to it broke. */
export const isUnreachable = (error: unknown): error is MongoError =>
  error instanceof MongoNetworkError || error instanceof MongoServerSelectionError;

/** True if the driver was called wrongly, which is a defect of this program. */
const isMisuse = (error: MongoError): boolean =>
  error instanceof MongoAPIError &&
  !(error instanceof MongoNotConnectedError) &&
  !(error instanceof MongoTopologyClosedError) &&
  !(error instanceof MongoServerClosedError) &&
  !(error instanceof MongoClientClosedError);

/** Replaces user and password in addresses, also in malformed ones: everything between `//` and `@`. */
export const withoutCredentials = (text: string): string => text.replace(/\/\/[^\s"']*@/g, "//***@");

export interface Refusal {
  readonly code?: number | string | undefined;
  readonly errmsg?: string | undefined;
}

/** Returns the error for a document that the server refused. */
export function refusedDocument(place: string, { code, errmsg }: Refusal): AppError {
  const blamed = typeof code === "number" && BAD_DOCUMENT.has(code);
  return new AppError(`Cannot store a document in ${place}: ${errmsg} (code ${code})`, {
    code: blamed ? "internal" : "unavailable",
  });
}

/** Turns errors of server and network into `unavailable`, naming the store; returns any other error as it is. */
export function storeError(place: string, error: unknown): unknown {
  if (isAppError(error) || !(error instanceof MongoError) || isMisuse(error)) return error;
  const code = error instanceof MongoServerError ? Number(error.code) : Number.NaN;
  if (BAD_DOCUMENT.has(code)) return error;
  const advice = DENIED.get(code);
  return new AppError(
    `Cannot use the store ${place}: ${withoutCredentials(error.message)}${advice === undefined ? "" : `; ${advice}`}`,
    { code: "unavailable", cause: error },
  );
}
