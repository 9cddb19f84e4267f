/** What a browser or curl shows at the server's address. */
import type { Message } from './message.ts';
import type { HttpReply } from './reply.ts';

const PAGE =
  Buffer.from(`Moraine: a self-hosted archive server that speaks the Amazon Glacier REST API, version 2012-06-01.
Clients: aws --endpoint-url URL-OF-THIS-PAGE glacier list-vaults --account-id - (documentation: README.md and docs/ of the package).
Health: /_moraine/health
`);

/** Whether a request is for the page. A signed one is for an API, such as S3's ListBuckets, and gets a 404. */
export function wantsFrontPage({ method, path, query, header }: Message): boolean {
  const reads = method === 'GET' || method === 'HEAD';
  return reads && path === '/' && query.size === 0 && header('authorization') === undefined;
}

/** The page, plain text. */
export function frontPage(): HttpReply {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': String(PAGE.length) };
  return { status: 200, headers, stream: page() };
}

async function* page(): AsyncGenerator<Uint8Array> {
  yield PAGE;
}
