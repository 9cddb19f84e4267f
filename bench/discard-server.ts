/**
 * `node bench/discard-server.ts PORT`: reads and discards the body of every request, then answers 204. Its rate is that of
 * the loopback, which limits every measured server.
 */
import { createServer, type Socket } from 'node:net';

const RECEIVE_BYTES = 256 * 1024;
const HEAD_END = '\r\n\r\n';
const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');

/** Expects each head in one chunk: heads are short, and clients wait for an answer before the next request. */
function discard(socket: Socket): void {
  let left = 0;
  socket.on('data', (chunk: Buffer) => {
    left = left > 0 ? left - chunk.length : bodyLeft(chunk);
    if (left === 0) socket.write(ANSWER);
  });
  socket.on('error', () => {});
}

/** Bytes of the body still to come after this chunk, which begins a request. */
function bodyLeft(chunk: Buffer): number {
  const text = chunk.toString('latin1', 0, 4096);
  const end = text.indexOf(HEAD_END) + HEAD_END.length;
  const length = Number(/\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
  return length - (chunk.length - end);
}

createServer({ noDelay: true, highWaterMark: RECEIVE_BYTES }, discard).listen(
  Number(process.argv[2]),
  '127.0.0.1',
);
