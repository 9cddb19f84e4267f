import type { IncomingMessage } from 'node:http';
import { ConnectionError, GlacierError } from './errors.ts';
import { fromWire } from './member-names.ts';
import type { JobOutput } from './shapes.ts';
import type { WireOperation } from './wire-table.ts';

/** The most of an error's body that is read, bytes: a proxy may send a page of any length. */
const ERROR_BYTES = 64 * 1024;

/**
 * The output of an operation that succeeded.
 * @throws ConnectionError if the connection fails within the answer.
 */
export async function answerOf(
  operation: string,
  endpoint: URL,
  { answerHeaders, answerBody }: WireOperation,
  response: IncomingMessage,
): Promise<unknown> {
  const members = Object.entries(answerHeaders ?? {}).map(([name, header]) => [
    name,
    response.headers[header] ?? null,
  ]);
  if (answerBody === 'stream') return { ...Object.fromEntries(members), ...streamOf(response) };
  if (answerBody === 'json') return fromWire(await jsonOf(operation, endpoint, response));
  // The headers say that the operation is done, so the rest does not matter.
  await textOf(response).catch(() => '');
  return answerHeaders ? Object.fromEntries(members) : undefined;
}

async function jsonOf(operation: string, endpoint: URL, response: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse(await textOf(response));
  } catch (error) {
    const what = error instanceof SyntaxError ? `the answer is not JSON (${error.message})` : error;
    throw new ConnectionError(operation, endpoint.origin, true, what);
  }
}

function streamOf(response: IncomingMessage): Pick<JobOutput, 'status' | 'contentLength' | 'body'> {
  const { 'content-length': length } = response.headers;
  const contentLength = length === undefined ? null : Number(length);
  return { status: response.statusCode ?? 0, contentLength, body: response };
}

async function textOf(response: IncomingMessage, most = Infinity): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > most) break;
  }
  return Buffer.concat(chunks).toString();
}

/** What a refusal says. */
export async function errorOf(operation: string, response: IncomingMessage): Promise<GlacierError> {
  const { statusCode: status = 0, headers } = response;
  const text = await textOf(response, ERROR_BYTES).catch(() => '');
  const { code, message, type } = parseError(text);
  const requestId = headers['x-amzn-requestid'];
  return new GlacierError({
    operation,
    status,
    code: typeof code === 'string' ? code : `HTTP ${status}`,
    message:
      typeof message === 'string' ? message : `${operation}: HTTP ${status}: ${text.slice(0, 200).trim()}`,
    fault: type === 'Server' || (type === undefined && status >= 500) ? 'Server' : 'Client',
    requestId: typeof requestId === 'string' ? requestId : null,
  });
}

function parseError(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
