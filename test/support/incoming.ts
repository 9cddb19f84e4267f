import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { BodyMessage } from '../../src/protocol/body-message.ts';

/** A request as node:http delivers it, but without a connection; a test pushes the body itself. */
export function incomingOf(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): IncomingMessage {
  const incoming = new BodyMessage(new Socket());
  incoming.method = method;
  incoming.url = url;
  incoming.httpVersion = '1.1';
  const all = { host: 'localhost', ...headers };
  incoming.rawHeaders = Object.entries(all).flat();
  Object.assign(incoming.headers, all);
  return incoming;
}
