import type { TLSSocket } from 'node:tls';
import type { ContextFacts } from '../domain/policy/request-context.ts';
import type { Credential } from './authenticate.ts';
import type { Message } from './message.ts';

/** What conditions may ask of a request itself (IAM guide, "Global condition context keys"), put together later. */
export function requestFacts(message: Message, { session }: Credential, region: string): () => ContextFacts {
  const socket = message.incoming.socket as Partial<TLSSocket>;
  // Now and not later: a connection that is gone has no address, and no Deny would catch it by its address.
  const address = sourceAddress(message);
  return () => ({
    'aws:SourceIp': address,
    'aws:SecureTransport': String(socket.encrypted === true),
    'aws:UserAgent': message.header('user-agent'),
    'aws:Referer': message.header('referer'),
    'aws:RequestedRegion': region,
    // Absent for long-term keys, as on AWS: a policy that denies without it catches them by BoolIfExists only.
    'aws:MultiFactorAuthPresent': session && 'false',
    'aws:TokenIssueTime': session && new Date(session.issuedMs).toISOString(),
  });
}

/** The peer's address; IPv4 in its own form also on a socket of both families. Proxy headers are not believed. */
export function sourceAddress({ incoming }: Message): string {
  return (incoming.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
