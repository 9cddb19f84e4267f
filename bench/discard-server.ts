/**
 * `node bench/discard-server.ts PORT`: answers every request with 204 when its body is there, and does nothing with
 * it. What goes through here goes through the loopback: the limit of every server that is measured beside it.
 */
import { createServer, type Socket } from 'node:net';

const RECEIVE_BYTES = 256 * 1024;
const HEAD_END = '\r\n\r\n';
const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');

/** Heads come in one piece: they are short, and no request is sent before the one before is answered. */
function discard(socket: Socket): void {
  let left = 0;
  socket.on('data', (chunk: Buffer) => {
    left = left > 0 ? left - chunk.length : bodyLeft(chunk);
    if (left === 0) socket.write(ANSWER);
  });
  socket.on('error', () => {});
}

/** What is still to come of the body of the request that begins with this chunk. */
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
