/** Writes log lines: a constant message plus fields. Loggers are passed as parameters or derived, never global. */
import { configure, getLogger, getTextFormatter, type LogRecord, type Sink } from "@logtape/logtape";
import { printable } from "../../../schema/model/printable.ts";

export type Fields = Readonly<Record<string, unknown>>;
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = "json" | "text";

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** For events that a person should look at. */
  error(message: string, fields?: Fields): void;
  child(fields: Fields): Logger;
}

/** Converts an error to a field with its message, name and cause, and with its stack unless it is an AppError. */
const plain = (value: unknown): unknown => {
  if (!(value instanceof Error)) return value;
  const cause =
    value.cause === undefined ? undefined : String((plain(value.cause) as { error?: string })?.error ?? value.cause);
  return {
    error: value.message,
    name: value.name,
    ...(cause === undefined ? {} : { cause }),
    ...(value.name === "AppError" ? {} : { stack: value.stack }),
  };
};

const text = getTextFormatter({ timestamp: "time", value: (value, inspect) => inspect(value) });

function formatText(record: LogRecord): string {
  const fields = Object.entries(record.properties)
    .filter(([name]) => name !== "service")
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  return `${text(record).trimEnd()}${fields === "" ? "" : `  ${fields}`}`;
}

function formatJson(record: LogRecord): string {
  const { timestamp, level, message, properties } = record;
  return JSON.stringify({
    time: new Date(timestamp).toISOString(),
    level: level === "warning" ? "warn" : level,
    message: message.join(""),
    ...properties,
  });
}

/** Configures the one sink of the process, and returns the logger of `service`. */
export async function openLogger(
  service: string,
  { level, format, write }: { level: LogLevel; format: LogFormat; write: (line: string) => void },
): Promise<Logger> {
  const render = format === "json" ? formatJson : formatText;
  // Names and values from files must not command the terminal that shows the log, nor forge lines in it.
  const sink: Sink = (record) => write(`${printable(render(record))}\n`);
  await configure({
    reset: true,
    sinks: { out: sink },
    loggers: [
      { category: [], sinks: ["out"], lowestLevel: level === "warn" ? "warning" : level },
      { category: ["logtape", "meta"], sinks: ["out"], lowestLevel: "warning" },
    ],
  });
  const wrap = (fields: Fields): Logger => {
    const logger = getLogger([service]).with({ service, ...fields });
    const emit = (method: "debug" | "info" | "warn" | "error") => (message: string, more?: Fields) => {
      const properties = Object.fromEntries(Object.entries(more ?? {}).map(([name, value]) => [name, plain(value)]));
      logger[method](message.replaceAll("{", "{{").replaceAll("}", "}}"), properties);
    };
    return {
      debug: emit("debug"),
      info: emit("info"),
      warn: emit("warn"),
      error: emit("error"),
      child: (more) => wrap({ ...fields, ...more }),
    };
  };
  return wrap({});
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
