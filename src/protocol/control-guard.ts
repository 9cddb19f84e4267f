/** Keeps web pages away from the emulator's control endpoints, which are not signed. */
import { isIP } from 'node:net';
import type { Message } from './message.ts';
import { ApiError } from './wire-error.ts';

/** A header that a web page cannot send to another site without a CORS preflight, which this server never grants. */
const CONTROL_HEADER = 'x-moraine-emulator';

/**
 * Refuses a control request that a web page may have sent.
 *
 * - Host must be an IP address, `localhost`, a name without a dot, or one of `hosts`. A page that rebinds its own name
 *   to this server's address still sends that name.
 * - A request with an Origin header comes from a page.
 * - Other methods than GET and HEAD need `Content-Type: application/json` or the header `x-moraine-emulator`. A browser
 *   sends either across sites only after a CORS preflight, which this server never grants.
 * @param hosts lower-case names without a port.
 * @throws 403 that says what is missing and how to send it.
 */
export function requireNoWebPage(message: Message, hosts: ReadonlySet<string>): void {
  requireKnownHost(message, hosts);
  if (message.header('origin') !== undefined)
    throw refused(
      'The control endpoints do not answer requests with an Origin header: a web page sent this one.',
    );
  if (message.method === 'GET' || message.method === 'HEAD') return;
  if (isJson(message.header('content-type')) || message.header(CONTROL_HEADER) !== undefined) return;
  throw refused(
    'A control request needs the header Content-Type: application/json or X-Moraine-Emulator, so that no web page ' +
      "can send it. With curl: --json '{…}' or -H 'X-Moraine-Emulator: 1'.",
  );
}

function requireKnownHost({ rawHeaders }: Message, hosts: ReadonlySet<string>): void {
  const sent = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'host');
  const [host = ''] = sent;
  if (sent.length === 1 && isKnown(host, hosts)) return;
  throw refused(
    `Invalid Host: ${sent.join(', ').slice(0, 200)}. The control endpoints answer to an IP address, localhost, a name ` +
      'without a dot, or a name that --emulator-hosts lists.',
  );
}

function isKnown(host: string, hosts: ReadonlySet<string>): boolean {
  const [, bracketed, plain = ''] =
    /^(?:\[([^\]]*)\]|([^:[\]]+))(?::\d{0,5})?$/.exec(host.toLowerCase()) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  if (plain === '') return false;
  return isIP(plain) === 4 || !plain.includes('.') || hosts.has(plain);
}

/** Tests the media type alone: a page may send `text/plain; application/json`. */
function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType ?? '');
}

function refused(message: string): ApiError {
  return new ApiError('AccessDeniedException', message);
}
