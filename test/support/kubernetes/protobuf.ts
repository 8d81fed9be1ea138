/** Decodes objects in Kubernetes' protobuf format, in which helm 4 stores its releases without a fallback to JSON. */
import type { KubeObject } from "./objects.ts";

/** Prefix of every message: `k8s` and a zero byte. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

type Message = Map<number, Uint8Array[]>;

/** Reads the length-delimited fields, by number; skips numeric fields, which are not needed here. */
function readMessage(bytes: Uint8Array): Message {
  const fields: Message = new Map();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 2) {
      const length = varint();
      const number = Math.floor(tag / 8);
      fields.set(number, [...(fields.get(number) ?? []), bytes.subarray(at, at + length)]);
      at += length;
    } else throw new Error(`wire type must be 0 or 2, got ${wire}`);
  }
  return fields;
}

const textOf = (message: Message, field: number) => new TextDecoder().decode(message.get(field)?.[0]);
const mapOf = (message: Message, field: number, read: (value: Uint8Array) => string) =>
  Object.fromEntries(
    (message.get(field) ?? []).map((bytes) => {
      const entry = readMessage(bytes);
      return [textOf(entry, 1), read(entry.get(2)?.[0] ?? new Uint8Array())];
    }),
  );

/**
 * Decodes a Secret with the fields that helm stores, or a Namespace with its metadata.
 *
 * @throws Error for any other kind
 */
export function decodeProtobuf(bytes: Uint8Array): KubeObject {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) throw new Error("protobuf message must start with k8s\\0");
  const envelope = readMessage(bytes.subarray(MAGIC.length));
  const type = readMessage(envelope.get(1)![0]!);
  const [apiVersion, kind] = [textOf(type, 1), textOf(type, 2)];
  const message = readMessage(envelope.get(2)![0]!);
  const metadata = readMessage(message.get(1)![0]!);
  const text = (value: Uint8Array) => new TextDecoder().decode(value);
  const namespace = textOf(metadata, 3);
  const object = {
    apiVersion,
    kind,
    metadata: {
      name: textOf(metadata, 1),
      ...(namespace === "" ? {} : { namespace }),
      labels: mapOf(metadata, 11, text),
      annotations: mapOf(metadata, 12, text),
    },
  };
  switch (kind) {
    case "Namespace":
      return object;
    case "Secret": {
      const data = mapOf(message, 2, (value) => Buffer.from(value).toString("base64"));
      return { ...object, data, type: textOf(message, 3) };
    }
    default:
      throw new Error(`kind of a protobuf message must be Secret or Namespace, got ${apiVersion} ${kind}`);
  }
}
