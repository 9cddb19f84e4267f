import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertRefusal } from '../support/api.ts';
import { MIB } from '../support/pattern.ts';
import { type Answer, hashHeaders } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { Signer } from '../support/signer.ts';

const MISSING = 'MissingParameterValueException';
const INVALID = 'InvalidParameterValueException';
const SIGNATURE = 'InvalidSignatureException';
const UNRECOGNIZED = 'UnrecognizedClientException';

/** A valid request, to which tests add faults. */
interface Draft {
  method: string;
  account: string;
  vault: string;
  /** The path after the vault. */
  rest: string;
  query: string;
  headers: Record<string, string | undefined>;
  signer: Partial<Signer>;
  unsigned: Record<string, string>;
  body: string;
}

interface Fault {
  readonly name: string;
  /** A request can have only one fault of each subject. */
  readonly subject: string;
  put(draft: Draft): void;
  readonly status: number;
  readonly code: string;
  readonly message: string | RegExp;
}

/** Possible faults of every request on a vault, in the order in which the server checks them. */
const COMMON: readonly Fault[] = [
  {
    name: 'an unknown path',
    subject: 'path',
    put: (draft) => {
      draft.rest = '/none/none/none';
    },
    ...refused(404, 'UnknownOperationException', /^There is no operation /),
  },
  {
    name: 'no signature',
    subject: 'authorization',
    put: (draft) => {
      draft.unsigned['authorization'] = '';
    },
    ...refused(403, SIGNATURE, /^Unsupported AWS 'algorithm'/),
  },
  {
    name: 'an old signature',
    subject: 'time',
    put: (draft) => {
      draft.signer = { ...draft.signer, at: new Date(Date.now() - 3_600_000) };
    },
    ...refused(403, SIGNATURE, /^Signature expired: /),
  },
  {
    name: 'an unknown key',
    subject: 'key',
    put: (draft) => {
      draft.signer = { ...draft.signer, accessKeyId: 'AKIAUNKNOWNUNKNOWN00' };
    },
    ...refused(400, UNRECOGNIZED, 'The security token included in the request is invalid.'),
  },
  {
    name: 'a wrong secret',
    subject: 'secret',
    put: (draft) => {
      draft.signer = { ...draft.signer, secretAccessKey: 'another' };
    },
    ...refused(403, SIGNATURE, /^The request signature we calculated does not match/),
  },
  {
    name: 'a session token',
    subject: 'token',
    put: (draft) => {
      draft.headers['x-amz-security-token'] = 'TOKEN';
    },
    ...refused(400, UNRECOGNIZED, 'The security token included in the request is invalid.'),
  },
  {
    name: 'an invalid account',
    subject: 'account',
    put: (draft) => {
      draft.account = '1111-2222-3333';
    },
    ...refused(400, 'UnrecognizedClientException', 'No account found for the given parameters'),
  },
  {
    name: 'no API version',
    subject: 'version',
    put: (draft) => {
      draft.headers['x-amz-glacier-version'] = undefined;
    },
    ...refused(400, MISSING, 'Required parameter missing: API version'),
  },
  {
    name: 'another API version',
    subject: 'version',
    put: (draft) => {
      draft.headers['x-amz-glacier-version'] = '2012-06-02';
    },
    ...refused(400, INVALID, /^Invalid x-amz-glacier-version: 2012-06-02/),
  },
  {
    name: 'a missing vault',
    subject: 'vault',
    put: (draft) => {
      draft.vault = 'none';
    },
    ...refused(404, 'ResourceNotFoundException', /^Vault not found for ARN: /),
  },
];

/** Possible faults of a part, in order. */
const OF_A_PART: readonly Fault[] = [
  headerFault('no tree hash', 'x-amz-sha256-tree-hash', undefined, MISSING, /tree-hash$/),
  headerFault('no range', 'content-range', undefined, MISSING, 'Required parameter missing: content-range'),
  headerFault(
    'an invalid range',
    'content-range',
    'bytes=0-4/*',
    INVALID,
    'Invalid Content-Range: bytes=0-4/*',
  ),
  headerFault(
    'an invalid tree hash',
    'x-amz-sha256-tree-hash',
    '000',
    INVALID,
    /^Invalid x-amz-sha256-tree-hash/,
  ),
  {
    name: 'an unknown upload',
    subject: 'upload',
    put: (draft) => {
      draft.rest = draft.rest.replace(/uploads\/[^/]+/, 'uploads/none');
    },
    ...refused(404, 'ResourceNotFoundException', 'The upload ID was not found: none'),
  },
  headerFault('a range of another length', 'content-range', 'bytes 0-9/*', INVALID, /is incompatible with/),
  {
    name: 'a body of another hash',
    subject: 'body',
    put: (draft) => {
      draft.headers['x-amz-content-sha256'] = 'ab'.repeat(32);
    },
    ...refused(403, SIGNATURE, /^The value passed in as x-amz-content-sha256 does not match/),
  },
  headerFault('another tree hash', 'x-amz-sha256-tree-hash', 'cd'.repeat(32), INVALID, /^Checksum mismatch/),
];

/** Possible faults of tags, in order. */
const OF_TAGS: readonly Fault[] = [
  bodyFault(
    'a body that is no JSON',
    '{',
    'SerializationException',
    /^The request body is not a JSON object/,
  ),
  bodyFault('no tags', '{}', MISSING, 'Required parameter missing: Tags'),
  bodyFault('an invalid tag', '{"Tags":{"":"x"}}', INVALID, /^Invalid tag key/),
];

/** Possible faults of the query of a list, in order. */
const OF_A_LIST: readonly Fault[] = [queryFault('limit', '0'), queryFault('marker', 'x')];

/** Possible faults of a Complete, in order. */
const OF_A_COMPLETE: readonly Fault[] = [
  headerFault(
    'no size',
    'x-amz-archive-size',
    undefined,
    MISSING,
    'Required parameter missing: x-amz-archive-size',
  ),
  headerFault('no tree hash', 'x-amz-sha256-tree-hash', undefined, MISSING, /tree-hash$/),
  headerFault('an invalid size', 'x-amz-archive-size', '0', INVALID, 'Invalid x-amz-archive-size: 0'),
  headerFault(
    'an invalid hash',
    'x-amz-sha256-tree-hash',
    '000',
    INVALID,
    /^Invalid x-amz-sha256-tree-hash: 000$/,
  ),
  {
    name: 'an unknown upload',
    subject: 'upload',
    put: (draft) => {
      draft.rest = draft.rest.replace(/uploads\/[^/]+/, 'uploads/none');
    },
    ...refused(404, 'ResourceNotFoundException', 'The upload ID was not found: none'),
  },
  headerFault('another size', 'x-amz-archive-size', '9', INVALID, /^Invalid x-amz-archive-size: 9/),
  headerFault(
    'another hash',
    'x-amz-sha256-tree-hash',
    'ab'.repeat(32),
    INVALID,
    /^Invalid x-amz-sha256-tree-hash: abab/,
  ),
];

function refused(status: number, code: string, message: string | RegExp) {
  return { status, code, message };
}

function headerFault(
  name: string,
  header: string,
  value: string | undefined,
  code: string,
  message: string | RegExp,
): Fault {
  const put = (draft: Draft): void => {
    draft.headers[header] = value;
  };
  return { name, subject: header, put, ...refused(400, code, message) };
}

function bodyFault(name: string, body: string, code: string, message: string | RegExp): Fault {
  const put = (draft: Draft): void => {
    draft.body = body;
  };
  return { name, subject: 'body', put, ...refused(400, code, message) };
}

function queryFault(parameter: string, value: string): Fault {
  const put = (draft: Draft): void => {
    draft.query += `&${parameter}=${value}`;
  };
  return {
    name: `a bad ${parameter}`,
    subject: parameter,
    put,
    ...refused(400, INVALID, new RegExp(`^Invalid ${parameter}`)),
  };
}

let server: TestServer;
let api: Api;
let uploadId: string;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
  uploadId = await api.initiate('v', MIB);
  await api.putPart('v', uploadId, 0, Buffer.from('Hello'));
});
after(() => server.stop());

function draftOf(change: Partial<Draft>): Draft {
  const good = { account: '-', vault: 'v', query: 'x=', headers: {}, signer: {}, unsigned: {}, body: '' };
  return { method: 'GET', rest: '/multipart-uploads', ...good, ...change };
}

const upload = (): string => `/multipart-uploads/${uploadId}`;

const REQUESTS: Record<string, { draft(): Draft; faults: readonly Fault[] }> = {
  UploadMultipartPart: {
    draft: () => {
      const headers = { ...hashHeaders('Hello'), 'content-range': 'bytes 0-4/*' };
      return draftOf({ method: 'PUT', rest: upload(), headers, body: 'Hello' });
    },
    faults: [...COMMON, ...OF_A_PART],
  },
  CompleteMultipartUpload: {
    draft: () => {
      const headers = {
        'x-amz-archive-size': '5',
        'x-amz-sha256-tree-hash': hashHeaders('Hello')['x-amz-sha256-tree-hash'],
      };
      return draftOf({ method: 'POST', rest: upload(), headers });
    },
    faults: [...COMMON, ...OF_A_COMPLETE],
  },
  AddTagsToVault: {
    draft: () =>
      draftOf({ method: 'POST', rest: '/tags', query: 'operation=add', body: '{"Tags":{"a":"b"}}' }),
    faults: [...COMMON, ...OF_TAGS],
  },
  ListMultipartUploads: { draft: () => draftOf({}), faults: [...COMMON, ...OF_A_LIST] },
};

function send({
  method,
  account,
  vault,
  rest,
  query,
  headers,
  signer,
  unsigned,
  body,
}: Draft): Promise<Answer> {
  const target = `/${account}/vaults/${vault}${rest}?${query}`;
  return api.call(method, target, { headers, signer, unsigned, body });
}

/** Adds the faults, and expects the error of the first. */
async function expectFirst(draft: Draft, faults: readonly Fault[]): Promise<void> {
  for (const fault of faults) fault.put(draft);
  const [first] = faults;
  if (first) assertRefusal(await send(draft), first.status, first.code, first.message);
}

for (const [operation, { draft, faults }] of Object.entries(REQUESTS)) {
  describe(`the order of checks of ${operation}`, () => {
    for (const [i, fault] of faults.entries()) {
      it(`reports ${fault.name} before all later faults`, async () => {
        await expectFirst(draft(), [fault]);
        for (const later of faults.slice(i + 1)) {
          if (later.subject !== fault.subject) await expectFirst(draft(), [fault, later]);
        }
      });
    }
  });
}

describe('the payload hash that an upload must name', () => {
  const withoutHash = (): Draft => {
    const headers = { ...hashHeaders('Hello'), 'x-amz-content-sha256': undefined };
    return draftOf({ method: 'POST', rest: '/archives', headers, body: 'Hello' });
  };
  const message = 'Required parameter missing: x-amz-content-sha256';

  it('is required after the key was found, because the signature covers it', async () => {
    assertRefusal(await send(withoutHash()), 400, MISSING, message);
    for (const fault of COMMON) {
      const wrong = withoutHash();
      fault.put(wrong);
      const before = ['path', 'authorization', 'time', 'key'].includes(fault.subject);
      const { status, code, message: text } = before ? fault : refused(400, MISSING, message);
      assertRefusal(await send(wrong), status, code, text);
    }
  });
});
