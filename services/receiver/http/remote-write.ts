/** Answers remote write, 1.0 and 2.0. */
import { problem } from "../../platform/http/problem.ts";
import { readRequestV2 } from "../remote-write/request-v2.ts";
import { readWriteRequest } from "../remote-write/write-request.ts";
import type { Intake, Written } from "../series/intake.ts";
import { uncompress, uncompressedLength } from "../wire/snappy.ts";
import { type Bodies, inSlices, MAX_UNCOMPRESSED_BYTES } from "./bodies.ts";

export const WRITE_PATHS: ReadonlySet<string> = new Set(["/api/v1/write", "/prometheus/api/v1/write"]);

export type WriteVersion = 1 | 2;

const MESSAGES: Readonly<Record<string, WriteVersion>> = {
  "prometheus.WriteRequest": 1,
  "io.prometheus.write.v2.Request": 2,
};

/** Returns the version that a content type names, 1 for none, and null for another type. */
export function writeVersion(contentType: string | null): WriteVersion | null {
  if (contentType === null || contentType === "") return 1;
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  if (type.toLowerCase() !== "application/x-protobuf") return null;
  let version: WriteVersion = 1;
  for (const parameter of parameters) {
    const [name = "", value = ""] = parameter.split("=").map((part) => part.trim());
    if (name.toLowerCase() !== "proto") continue;
    const named = MESSAGES[value.replace(/^"(.*)"$/, "$1")];
    if (named === undefined) return null;
    version = named;
  }
  return version;
}

/** The headers that answers to 2.0 carry. */
export const writtenHeaders = ({ samples, histograms, exemplars }: Written): Record<string, string> => ({
  "x-prometheus-remote-write-samples-written": String(samples),
  "x-prometheus-remote-write-histograms-written": String(histograms),
  "x-prometheus-remote-write-exemplars-written": String(exemplars),
});

const unsupported = (detail: string): Response => problem({ status: 415, title: "Unsupported media type", detail });

/** Returns why a request is refused by its headers; null: its body is read. */
export function refuseWrite({ headers }: Request): Response | null {
  const type = headers.get("content-type");
  if (writeVersion(type) === null) {
    const accepted = Object.keys(MESSAGES).map((message) => `application/x-protobuf;proto=${message}`);
    return unsupported(`Content-Type must be ${accepted.join(" or ")}, got ${JSON.stringify(type)}`);
  }
  const encoding = headers.get("content-encoding");
  if (encoding === null || encoding.toLowerCase() === "snappy") return null;
  return unsupported(`Content-Encoding must be snappy, got ${JSON.stringify(encoding)}`);
}

export interface WriteParts {
  readonly bodies: Bodies;
  readonly intake: Intake;
  /** Resolves once the intake's batches are safe. */
  readonly record: () => Promise<void>;
}

/** @throws Malformed; AppError as `Bodies` and the recorder */
export async function answerWrite(request: Request, version: WriteVersion, parts: WriteParts): Promise<Response> {
  const { bodies, intake, record } = parts;
  return await bodies.receive(request, async (body) => {
    await bodies.decode(uncompressedLength(body), async () => {
      const bytes = uncompress(body, MAX_UNCOMPRESSED_BYTES);
      await inSlices(version === 1 ? readWriteRequest(bytes, intake) : readRequestV2(bytes, intake));
      intake.close();
    });
    await record();
    if (intake.problem === undefined) return new Response(null, { status: 204 });
    const detail = `${intake.problem}; the rest of the request is written`;
    return problem({ status: 400, title: "Bad request", detail });
  });
}
