/** Removes from a request's texts what would let a reader of a log act as the client. */

/** Query parameters whose values would let a reader repeat a presigned request. */
const SECRET_PARAMETERS: ReadonlySet<string> = new Set(['x-amz-signature', 'x-amz-security-token']);
/** How often escapes are decoded: a canonical request encodes a path twice. */
const ESCAPED_TIMES = 2;

/** A request target without the values of its secrets, however their names are escaped. Never throws. */
export function withoutCredentials(target: string): string {
  const at = target.indexOf('?');
  if (at < 0) return withoutLockId(target);
  const query = target
    .slice(at + 1)
    .split('&')
    .map(withoutSecret);
  return `${withoutLockId(target.slice(0, at))}?${query.join('&')}`;
}

/**
 * A text without the id after a path's segment `lock-policy`, with which a reader could complete the lock. Never throws.
 */
export function withoutLockId(text: string): string {
  if (!text.includes('lock-policy') && !text.includes('%')) return text;
  let isId = false;
  const shown = text.split('/').map((piece) => {
    const one = isId ? piece.replace(/^[^?\n]+/, '…') : piece;
    isId = unescaped(piece) === 'lock-policy';
    return one;
  });
  return shown.join('/');
}

function withoutSecret(parameter: string): string {
  const [name = ''] = parameter.split('=', 1);
  const isSecret = SECRET_PARAMETERS.has(unescaped(name).toLowerCase()) && name.length < parameter.length;
  return isSecret ? `${name}=…` : parameter;
}

function unescaped(text: string): string {
  let plain = text;
  try {
    for (let i = 0; i < ESCAPED_TIMES; i++) plain = decodeURIComponent(plain);
  } catch {
    // A text that cannot be decoded further is no secret's name.
  }
  return plain;
}
