import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface UnsteadyProxy {
  readonly url: string;
  /** Requests that it answered 503, and that it forwarded but left without an answer. */
  readonly refused: number;
  readonly lost: number;
  close(): Promise<void>;
}

/** Forwards to an HTTP server. Of each six requests it refuses two, and loses the answer of one. */
export async function startUnsteadyProxy(target: string): Promise<UnsteadyProxy> {
  const agent = new Agent({ keepAlive: true });
  let [seen, refused, lost] = [0, 0, 0];
  const server = createServer((incoming, outgoing) => {
    const turn = seen++ % 6;
    if (turn === 0 || turn === 3) {
      refused++;
      refuse(incoming, outgoing);
    } else {
      if (turn === 4) lost++;
      forward(incoming, outgoing, turn === 4);
    }
  });
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse, loses: boolean): void => {
    const { method, url, headers } = incoming;
    const { hostname, port } = new URL(target);
    const options = { agent, hostname, port, method, path: url, headers };
    const forwarded = request(options, (answer) => {
      if (loses) {
        answer.resume().on('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get refused() {
      return refused;
    },
    get lost() {
      return lost;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}

/** Answers as a busy S3 engine, once the request has arrived. */
function refuse(incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.resume().on('end', () => {
    outgoing.writeHead(503, { 'content-type': 'application/xml' });
    outgoing.end('<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>busy</Message></Error>');
  });
}
