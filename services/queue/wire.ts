/**
 * The public exports for code that carries the port across a boundary: queue-service serves the port over HTTP
 * (`http/wire.ts`), and a streamer thread reaches it over a MessagePort (`thread/wire.ts`). Everything else in those
 * folders is internal. `PROTOCOL.md` describes both protocols.
 */

export {
  encodeClaimed,
  encodeLetters,
  MAX_CALL_BYTES,
  MAX_HEAD_BYTES,
  MAX_OPEN_BYTES,
  MAX_REQUEST_BYTES,
  QUEUE_PATHS,
  readBatches,
} from "./http/wire.ts";
export { connectQueue, serveQueue } from "./thread/wire.ts";
