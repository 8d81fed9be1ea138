/** The port as it travels: between threads over a MessagePort, between processes over HTTP. */

export {
  encodeClaimed,
  encodeLetters,
  MAX_CALL_BYTES,
  MAX_HEAD_BYTES,
  MAX_JSON_BYTES,
  QUEUE_PATHS,
  readBatches,
} from "./http/wire.ts";
export { connectQueue, serveQueue } from "./thread/wire.ts";
