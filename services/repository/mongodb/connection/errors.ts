/** MongoDB's errors as ours. */
import {
  MongoAPIError,
  MongoClientClosedError,
  MongoError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoTopologyClosedError,
} from "mongodb";
import { AppError, isAppError } from "../../../../schema/model/errors.ts";

export const DUPLICATE_KEY = 11_000;

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/** Codes of the server (mongodb.com/docs/manual/reference/error-codes) that blame a document, not the store. */
const BAD_DOCUMENT: ReadonlySet<number> = new Set([2, 9, 14, 16, 22, 52, 56, 57, 121, 10_334, 17_280, 17_419, 17_420]);

/** What a person can do about a code that says we may not. */
const DENIED: ReadonlyMap<number, string> = new Map([
  [13, "grant the user readWrite on the database"],
  [18, "check the user and the password in MONGODB_URI"],
  [8000, "check the user and the password in MONGODB_URI"],
]);

/** Waiting does not help: a person has to do something. */
export const isDenied = (error: unknown): boolean =>
  isAppError(error) && error.cause instanceof MongoServerError && DENIED.has(Number(error.cause.code));

/** The caller asked for something that the driver does not offer: a defect of ours. */
const isMisuse = (error: MongoError): boolean =>
  error instanceof MongoAPIError &&
  !(error instanceof MongoNotConnectedError) &&
  !(error instanceof MongoTopologyClosedError) &&
  !(error instanceof MongoServerClosedError) &&
  !(error instanceof MongoClientClosedError);

/** Whatever the driver makes of an address, what stands before its `@` is for nobody's eyes. */
export const withoutCredentials = (text: string): string => text.replace(/\/\/[^\s"']*@/g, "//***@");

export interface Refusal {
  readonly code?: number | string | undefined;
  readonly errmsg?: string | undefined;
}

/** A document that was not taken. */
export function refusedDocument(place: string, { code, errmsg }: Refusal): AppError {
  const blamed = typeof code === "number" && BAD_DOCUMENT.has(code);
  return new AppError(`Cannot store a document in ${place}: ${errmsg} (code ${code})`, {
    code: blamed ? "internal" : "unavailable",
  });
}

/** Refusals of the server and of the network become `unavailable`, naming the store; all else is returned as it is. */
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
