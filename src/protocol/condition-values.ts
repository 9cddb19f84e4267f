import type { TLSSocket } from 'node:tls';
import type { ContextValues } from '../domain/policy/request-context.ts';
import type { Credential } from './authenticate.ts';
import type { Message } from './message.ts';

/** The condition values of a request (IAM guide, "Global condition context keys"), as a function that builds them. */
export function conditionValuesOf(
  message: Message,
  { session }: Credential,
  region: string,
): () => ContextValues {
  const socket = message.incoming.socket as Partial<TLSSocket>;
  return () => ({
    'aws:SourceIp': message.sourceAddress,
    'aws:SecureTransport': String(socket.encrypted === true),
    'aws:UserAgent': message.header('user-agent'),
    'aws:Referer': message.header('referer'),
    'aws:RequestedRegion': region,
    // Absent for long-term keys, as on AWS: only BoolIfExists lets a policy deny them.
    'aws:MultiFactorAuthPresent': session && 'false',
    'aws:TokenIssueTime': session && new Date(session.issuedMs).toISOString(),
  });
}
