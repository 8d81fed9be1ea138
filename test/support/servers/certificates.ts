/** Makes X.509 certificates for tests: an authority, and certificates that it signs (RFC 5280, ECDSA on P-256). */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface Certificate {
  /** PEM */
  readonly cert: string;
  /** PEM */
  readonly key: string;
}

export interface Authority extends Certificate {
  /** @param host a name or an IPv4 address, which a client compares with the one that it has called */
  issue(host: string): Certificate;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const BOOLEAN = 0x01;
const tagged = (number: number): number => 0xa0 + number;

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), body]);
}

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
/** Object identifiers as they are encoded. */
const ECDSA_WITH_SHA256 = bytes("06082a8648ce3d040302");
const COMMON_NAME = bytes("0603550403");
const BASIC_CONSTRAINTS = bytes("0603551d13");
const SUBJECT_ALTERNATIVE_NAME = bytes("0603551d11");

const nameOf = (text: string) =>
  der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(text)))));
const time = (year: number) => der(GENERALIZED_TIME, Buffer.from(`${year}0101000000Z`));
const extension = (id: Buffer, ...value: Buffer[]) => der(SEQUENCE, id, ...value);

function alternativeName(host: string): Buffer {
  const numbers = host.split(".").map(Number);
  const isAddress = numbers.length === 4 && numbers.every((number) => number >= 0 && number < 256);
  const name = isAddress ? der(0x87, Uint8Array.from(numbers)) : der(0x82, Buffer.from(host));
  return extension(SUBJECT_ALTERNATIVE_NAME, der(OCTET_STRING, der(SEQUENCE, name)));
}

const pem = (body: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${body
    .toString("base64")
    .match(/.{1,64}/g)
    ?.join("\n")}\n-----END CERTIFICATE-----\n`;

let serial = 0;

function certificateOf(
  subject: string,
  {
    issuer,
    publicKey,
    signer,
    extensions,
  }: {
    issuer: string;
    publicKey: KeyObject;
    signer: KeyObject;
    extensions: Buffer;
  },
): string {
  const body = der(
    SEQUENCE,
    der(tagged(0), der(INTEGER, Uint8Array.of(2))),
    der(INTEGER, Uint8Array.of(++serial)),
    der(SEQUENCE, ECDSA_WITH_SHA256),
    nameOf(issuer),
    der(SEQUENCE, time(2020), time(2120)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(tagged(3), der(SEQUENCE, extensions)),
  );
  const signature = der(BIT_STRING, Uint8Array.of(0), sign("sha256", body, signer));
  return pem(der(SEQUENCE, body, der(SEQUENCE, ECDSA_WITH_SHA256), signature));
}

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const privatePem = (key: KeyObject): string => String(key.export({ type: "pkcs8", format: "pem" }));

export function createAuthority(name: string): Authority {
  const keys = newKeys();
  const isAuthority = der(OCTET_STRING, der(SEQUENCE, der(BOOLEAN, Uint8Array.of(0xff))));
  const cert = certificateOf(name, {
    issuer: name,
    publicKey: keys.publicKey,
    signer: keys.privateKey,
    extensions: extension(BASIC_CONSTRAINTS, der(BOOLEAN, Uint8Array.of(0xff)), isAuthority),
  });
  return {
    cert,
    key: privatePem(keys.privateKey),
    issue(host) {
      const own = newKeys();
      const issued = certificateOf(host, {
        issuer: name,
        publicKey: own.publicKey,
        signer: keys.privateKey,
        extensions: alternativeName(host),
      });
      return { cert: issued, key: privatePem(own.privateKey) };
    },
  };
}
