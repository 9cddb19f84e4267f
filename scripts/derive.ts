/**
 * `npm run derive`: writes the pages under docs/derived/ from the tables in the code. test/docs/derived.test.ts fails if a
 * page is stale.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultOf } from '../src/cli/settings-flags.ts';
import { environmentName, SETTINGS } from '../src/config/settings.ts';
import type { Operation } from '../src/operations/operation.ts';
import { API, EXTENSIONS, OPERATIONS } from '../src/operations/table.ts';
import { ERROR_FORMS } from '../src/protocol/wire-error.ts';

const FOLDER = new URL('../docs/derived/', import.meta.url);

/** The path of a derived page. */
export function pagePath(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

/** All derived pages: file name → text. */
export function derivePages(): ReadonlyMap<string, string> {
  return new Map([
    ['operations.md', operationsPage()],
    ['settings.md', settingsPage()],
    ['errors.md', errorsPage()],
  ]);
}

const UPLOAD_HEADERS = ['Content-Length', 'x-amz-content-sha256', 'x-amz-sha256-tree-hash'];

function operationsPage(): string {
  const head = [
    'operation',
    'method',
    'path',
    'success',
    'fields',
    'errors besides those of every operation',
  ];
  return page(
    'Operations',
    'src/operations/table.ts',
    `The ${API.length} operations of the Glacier API, version 2012-06-01. Moraine has all of them, but no jobs of ` +
      'type `select`: these get a 400.',
    'Every request is signed with Signature Version 4 for the service `glacier` and carries ' +
      '`x-amz-glacier-version: 2012-06-01`. The account id `-` means the account of the signer. Fields in bold are ' +
      'required. Responses with 201 and 202 have the body `{}`; those with 204 have none.',
    table(head, rowsOf(API)),
    `Beside them, Moraine has ${EXTENSIONS.length === 1 ? 'an operation' : `${EXTENSIONS.length} operations`} of its own, whose actions in policies have the prefix ` +
      '`moraine:`. [extensions.md](../extensions.md) describes them.',
    table(head, rowsOf(EXTENSIONS)),
    'Every operation can return: 400 `BadRequest`, 400 `InvalidParameterValueException`, ' +
      '400 `MissingAuthenticationTokenException`, 400 `MissingParameterValueException`, ' +
      '400 `UnrecognizedClientException`, 403 `AccessDeniedException`, 403 `ExpiredTokenException`, ' +
      '403 `InvalidSignatureException`, 408 `RequestTimeoutException`, 500 `ServiceUnavailableException`; ' +
      'an operation with a JSON body also 400 `SerializationException`. See [errors.md](errors.md).',
  );
}

function rowsOf(operations: readonly Operation[]): string[][] {
  return [...operations].sort((a, b) => (a.name < b.name ? -1 : 1)).map(operationRow);
}

function operationRow(operation: Operation): string[] {
  const { name, method, alsoHead, path, query, success, errors } = operation;
  const target = query === undefined ? path : `${path}?${query.name}=${query.value}`;
  return [
    name,
    alsoHead ? `${method}, HEAD` : method,
    code(target),
    String(success),
    fieldsOf(operation),
    errors.map(code).join(', '),
  ];
}

function fieldsOf({ fields, body }: Operation): string {
  const named = Object.values(fields).map(({ name, location, required }) => {
    const text = `${code(name)} (${location === 'member' ? 'JSON member' : location})`;
    return required ? `**${text}**` : text;
  });
  const ofUpload = UPLOAD_HEADERS.map((name) => `**${code(name)} (header)**`);
  return (body === 'upload' ? [...named, ...ofUpload, '**body: the bytes**'] : named).join(', ');
}

function settingsPage(): string {
  const rows = Object.entries(SETTINGS).map(([name, setting]) => [
    name,
    'secret' in setting ? 'none, because process lists show flags' : code(flagOf(name, setting)),
    code(environmentName(name)),
    defaultOf(setting),
    setting.about,
  ]);
  return page(
    'Settings',
    'src/config/settings.ts',
    'Settings of `moraine serve`. A flag overrides the environment, and the environment overrides the settings ' +
      'file. The file is a JSON object whose members are named as in the first column; it cannot set `data` and ' +
      '`config`. Durations are written `500ms`, `10s`, `5m`, `24h`, `7d`.',
    table(['setting', 'flag', 'environment', 'default', 'meaning'], rows),
  );
}

function flagOf(name: string, setting: (typeof SETTINGS)[keyof typeof SETTINGS]): string {
  return 'value' in setting ? `--${name} ${setting.value}` : `--${name}`;
}

function errorsPage(): string {
  const rows = Object.entries(ERROR_FORMS).map(([error, { status, fault, origin }]) => [
    code(error),
    String(status),
    fault,
    origin === 'front' ? 'message, code, type' : 'code, message, type',
    OPERATIONS.filter(({ errors }) => errors.some((one) => one === error))
      .map(({ name }) => name)
      .sort()
      .join(', '),
  ]);
  return page(
    'Errors',
    'src/protocol/wire-error.ts',
    'Every error that a client can get. The body is a JSON object with the members `code`, `message` and `type`. ' +
      'As on Amazon Glacier, their order differs between the service proper and its front end. The message says ' +
      'what was wrong, and with which value.',
    table(['code', 'status', 'type', 'order of members', 'operations that list it'], rows),
    'An unknown method and path get `UnknownOperationException`. Two statuses are not in the table: 411 with the ' +
      'code `MissingParameterValueException` for an upload without a length, and 431 with the code `BadRequest` for ' +
      'headers that are too long. `ServiceUnavailableException` names what the server lacks for now (room on the ' +
      'disk, descriptors, the database, the audit log, a right clock); the client may retry.',
  );
}

function page(title: string, source: string, ...paragraphs: string[]): string {
  const note = `Derived from \`${source}\` by \`npm run derive\`. Do not edit.`;
  return `${[`# ${title}`, note, ...paragraphs].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) {
  for (const [name, text] of derivePages()) writeFileSync(pagePath(name), text);
}
