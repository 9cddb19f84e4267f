import { invalidParameter, missingParameter } from '../../domain/errors.ts';

/** `Policy`: a policy document as a JSON string. @throws 400 when it is missing or not a string. */
export function requirePolicyText(raw: unknown): string {
  if (raw === undefined || raw === null || raw === '') throw missingParameter('Policy');
  if (typeof raw === 'string') return raw;
  throw invalidParameter('Invalid Policy: it must be a policy document as a JSON string.');
}
