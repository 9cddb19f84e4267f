import { quote } from './elements.ts';
import { PolicyError } from './policy-error.ts';
import { type RequestContext, valuesOf } from './request-context.ts';
import { type Glob, globOf, MANY } from './wildcard.ts';

/** How to read a value: StringEquals takes `*` literally, and only Version 2012-10-17 has variables. */
interface TemplateRules {
  readonly wildcards: boolean;
  readonly variables: boolean;
}

/** `${key}` or `${key, 'fallback'}`; the key in lower case. */
interface Variable {
  readonly key: string;
  readonly fallback: string | undefined;
}

/** A value of a policy that may contain policy variables (IAM guide, "Variables and tags"). */
export interface Template {
  /** As the policy has it. */
  readonly source: string;
  /** Keys of its variables, lower case. */
  readonly variables: readonly string[];
  /** The pattern for one request; undefined if a variable has no value, and then nothing matches. */
  resolve(context: RequestContext): Glob | undefined;
  /** The pattern with `*` for each variable: it matches all that the template can match. */
  readonly widest: Glob;
}

/**
 * Reads a value with its variables. `${*}`, `${?}` and `${$}` stand for the character itself.
 * @throws PolicyError for a variable that is not closed or not well formed.
 */
export function parseTemplate(source: string, rules: TemplateRules): Template {
  const pieces = piecesOf(source, rules);
  const fixed = pieces.every(isGlob) ? Object.freeze(pieces.flat()) : undefined;
  return Object.freeze({
    source,
    variables: Object.freeze(pieces.flatMap((piece) => (isGlob(piece) ? [] : [piece.key]))),
    resolve: fixed === undefined ? (context: RequestContext) => fill(pieces, context) : () => fixed,
    widest: Object.freeze(pieces.flatMap((piece): Glob => (isGlob(piece) ? piece : [MANY]))),
  });
}

function isGlob(piece: Glob | Variable): piece is Glob {
  return Array.isArray(piece);
}

/** A variable's value is literal: a `*` in a user's name or a tag is not a wildcard. */
function fill(pieces: readonly (Glob | Variable)[], context: RequestContext): Glob | undefined {
  const filled = pieces.map((piece) => (isGlob(piece) ? piece : standsFor(piece, context)));
  return filled.every((glob) => glob !== undefined) ? filled.flat() : undefined;
}

/** A key with several values cannot be a variable (IAM guide), and counts as having none. */
function standsFor({ key, fallback }: Variable, context: RequestContext): Glob | undefined {
  const values = valuesOf(context, key);
  const value = values?.length === 1 ? values[0] : fallback;
  return value === undefined ? undefined : [...value];
}

function piecesOf(source: string, { wildcards, variables }: TemplateRules): (Glob | Variable)[] {
  const plain = (text: string): Glob => (wildcards ? globOf(text) : [...text]);
  if (!variables) return [plain(source)];
  const [first = '', ...rest] = source.split('${');
  return [plain(first), ...rest.flatMap((part) => afterOpening(part, source, plain))];
}

/** `part` is what follows one `${`. */
function afterOpening(part: string, source: string, plain: (text: string) => Glob): (Glob | Variable)[] {
  const end = part.indexOf('}');
  if (end < 0) throw new PolicyError(`the policy variable in ${quote(source)} has no closing brace.`);
  const body = part.slice(0, end);
  const inner = ['*', '?', '$'].includes(body) ? [body] : parseVariable(body);
  return [inner, plain(part.slice(end + 1))];
}

function parseVariable(body: string): Variable {
  const comma = body.indexOf(',');
  const key = comma < 0 ? body : body.slice(0, comma);
  const fallback = comma < 0 ? undefined : body.slice(comma + 1).trim();
  const quoted = fallback === undefined || /^'[^']*'$/.test(fallback);
  if (!quoted || !/^[A-Za-z][A-Za-z0-9.-]*:[^\s*?$'"{}][^*?$'"{}]*$/.test(key)) {
    throw new PolicyError(
      `${quote(`\${${body}}`)} is not a policy variable: write \${aws:username} or \${aws:username, 'default'}.`,
    );
  }
  return { key: key.toLowerCase(), fallback: fallback?.slice(1, -1) };
}
