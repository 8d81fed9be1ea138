/** Answers OTLP over HTTP: metrics in protobuf or JSON. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { AppError } from "../../../schema/model/errors.ts";
import { problem } from "../../platform/http/problem.ts";
import { readJsonPoints } from "../otlp/json-points.ts";
import { readProtobufPoints } from "../otlp/protobuf-points.ts";
import { takePoints } from "../otlp/take-points.ts";
import type { Intake } from "../series/intake.ts";
import { isOnPurpose } from "../series/known-series.ts";
import { Malformed } from "../wire/malformed.ts";
import { inSlices, MAX_UNCOMPRESSED_BYTES } from "./bodies.ts";
import type { WriteParts } from "./remote-write.ts";

export const OTLP_PATH = "/v1/metrics";

/** Parsed JSON takes several times its size, so less of it is accepted: 10,000 points have 5 MB. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;

type OtlpEncoding = "protobuf" | "json";

const TYPES: Readonly<Record<string, OtlpEncoding>> = {
  "application/x-protobuf": "protobuf",
  "application/json": "json",
};

const otlpEncoding = ({ headers }: Request): OtlpEncoding | undefined =>
  TYPES[(headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? ""];

const unsupported = (detail: string): Response => problem({ status: 415, title: "Unsupported media type", detail });

/** Returns why a request is refused by its headers; null: its body is read. */
export function refuseOtlp(request: Request): Response | null {
  if (otlpEncoding(request) === undefined) {
    const got = JSON.stringify(request.headers.get("content-type"));
    return unsupported(`Content-Type must be ${Object.keys(TYPES).join(" or ")}, got ${got}`);
  }
  const encoding = request.headers.get("content-encoding");
  if (encoding === null || ["gzip", "identity"].includes(encoding.toLowerCase())) return null;
  return unsupported(`Content-Encoding must be gzip or none, got ${JSON.stringify(encoding)}`);
}

/** @throws Malformed; AppError `too_large` */
async function unzip(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") {
      throw new Malformed("body must be gzip, got damaged bytes", { cause: error });
    }
    throw tooLarge(maxBytes);
  }
}

const tooLarge = (maxBytes: number): AppError =>
  new AppError(`body must have at most ${maxBytes} bytes once decompressed, got more`, { code: "too_large" });

/** @throws Malformed; AppError as `Bodies` and the recorder */
export async function answerOtlp(request: Request, { bodies, intake, record }: WriteParts): Promise<Response> {
  const encoding = otlpEncoding(request) ?? "protobuf";
  const maxBytes = encoding === "json" ? MAX_JSON_BYTES : MAX_UNCOMPRESSED_BYTES;
  const isZipped = request.headers.get("content-encoding")?.toLowerCase() === "gzip";
  return await bodies.receive(request, async (body) => {
    if (body.byteLength > maxBytes) throw tooLarge(maxBytes);
    // gzip does not say reliably how long it is once decompressed, so room is taken for the longest.
    await bodies.decode(isZipped ? maxBytes : body.byteLength, async () => {
      const bytes = isZipped ? await unzip(body, maxBytes) : body;
      await inSlices(takePoints(encoding === "json" ? readJsonPoints(bytes) : readProtobufPoints(bytes), intake));
      intake.close();
    });
    await record();
    return encoding === "json" ? jsonAnswer(intake) : protobufAnswer(intake);
  });
}

/** Points that are refused, and why the first of them is. */
function refusedOf({ skips, invalid, problem: invalidDetail }: Intake): { count: number; message: string } {
  const refused = [...skips].filter(([reason]) => !isOnPurpose(reason)).map(([, skipped]) => skipped);
  const count = refused.reduce((sum, one) => sum + one.count, invalid);
  return { count, message: invalidDetail ?? refused[0]?.detail ?? "" };
}

function jsonAnswer(intake: Intake): Response {
  const { count, message } = refusedOf(intake);
  return Response.json(
    count === 0 ? {} : { partialSuccess: { rejectedDataPoints: String(count), errorMessage: message } },
  );
}

function varint(given: number): number[] {
  const bytes: number[] = [];
  let rest = given;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

/** `ExportMetricsServiceResponse { partial_success = 1 { rejected_data_points = 1; error_message = 2 } }` */
function protobufAnswer(intake: Intake): Response {
  const { count, message } = refusedOf(intake);
  const text = Buffer.from(message);
  const partial = [0x08, ...varint(count), 0x12, ...varint(text.length), ...text];
  const body = Uint8Array.from(count === 0 ? [] : [0x0a, ...varint(partial.length), ...partial]);
  return new Response(body, { headers: { "content-type": "application/x-protobuf" } });
}
