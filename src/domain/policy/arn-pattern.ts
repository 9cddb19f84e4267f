import { compileGlob, type Glob, MANY, type Matcher } from './wildcard.ts';

const COMPONENTS = 6;

/** Whether a text is an ARN: `arn:` and five more components, of which the last may hold colons. */
export function isArn(text: string): boolean {
  return text.startsWith('arn:') && text.split(':').length >= COMPONENTS;
}

/** Whether a text can be a pattern for ARNs: an ARN with wildcards in it, or `*` alone. */
export function isArnPattern(text: string): boolean {
  return text === '*' || isArn(text);
}

/**
 * Prepares a pattern that is matched component by component, so that no wildcard crosses one of the first five colons:
 * `arn:aws:iam::1*` does not match the users of accounts that begin with 1 (IAM guide, "ARN condition operators"). A text
 * that is not an ARN matches no pattern, not even `*`.
 */
export function compileArn(glob: Glob): Matcher {
  if (glob.length === 1 && glob[0] === MANY) return isArn;
  const matchers = splitGlob(glob).map(compileGlob);
  if (matchers.length !== COMPONENTS) return () => false;
  return (text) => {
    const parts = isArn(text) ? splitText(text) : [];
    return parts.length === COMPONENTS && matchers.every((matches, i) => matches(parts[i] ?? ''));
  };
}

function splitText(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, COMPONENTS - 1), parts.slice(COMPONENTS - 1).join(':')];
}

function splitGlob(glob: Glob): Glob[] {
  const parts: Glob[] = [];
  let rest = glob;
  while (parts.length < COMPONENTS - 1) {
    const colon = rest.indexOf(':');
    if (colon < 0) return parts;
    parts.push(rest.slice(0, colon));
    rest = rest.slice(colon + 1);
  }
  return [...parts, rest];
}
