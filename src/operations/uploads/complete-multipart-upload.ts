import type { CatalogReads } from '../../domain/catalog.ts';
import { invalidParameter } from '../../domain/errors.ts';
import { type DeclaredArchive, MAX_PARTS } from '../../domain/upload.ts';
import { invalidTreeHash, parseTreeHash } from '../archives/archive-headers.ts';
import { explainWholeHash } from '../checksum-hint.ts';
import { requiredHeader } from '../fields.ts';
import { operation } from '../operation.ts';
import { parseArchiveSize } from './upload-headers.ts';

export const completeMultipartUpload = operation({
  name: 'CompleteMultipartUpload',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/multipart-uploads/{uploadId}',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 201,
  fields: {
    size: requiredHeader('x-amz-archive-size', parseArchiveSize),
    hash: requiredHeader('x-amz-sha256-tree-hash', (raw) => ({
      sent: raw ?? '',
      treeHash: parseTreeHash(raw),
    })),
  },
  errors: ['ResourceNotFoundException'],
  // One transaction that moves no byte. After a refusal the client may try again.
  async run({ vaultKey, vault, id, size, hash }, { catalog, clock, settings }) {
    const nowMs = clock.now();
    const outcome = await catalog.completeUpload({
      vaultNo: vault.no,
      uploadId: id,
      declared: { size, treeHash: hash.treeHash },
      nowMs,
      rememberedSinceMs: nowMs - settings.completeMemoryMs,
    });
    if (outcome.kind === 'wrong-size') {
      const held = outcome.size;
      throw wrongSize(size, `The uploaded parts hold ${held} bytes, 0-${held - 1}.`);
    }
    if (outcome.kind === 'repeat-differs') throw differsFrom(outcome.done, size, hash.sent);
    if (outcome.kind === 'wrong-hash') throw await explainHash(catalog, outcome.uploadNo, hash.sent);
    return {
      headers: {
        Location: `/${vaultKey.account}/vaults/${vaultKey.name}/archives/${outcome.archiveId}`,
        'x-amz-archive-id': outcome.archiveId,
        'x-amz-sha256-tree-hash': outcome.treeHash,
      },
    };
  },
});

function wrongSize(declared: number, why: string): Error {
  return invalidParameter(`Invalid x-amz-archive-size: ${declared}. ${why}`);
}

/** The refusal of a repeat that declares another archive than `done`. */
function differsFrom(done: DeclaredArchive, size: number, hashSent: string): Error {
  if (size !== done.size) return wrongSize(size, `The upload was completed with ${done.size} bytes.`);
  return invalidTreeHash(hashSent, `The upload was completed with the tree hash ${done.treeHash}.`);
}

/** Looks for a known mistake in the hash. Runs outside the transaction: a large upload takes some ten thousand hashes. */
async function explainHash(catalog: CatalogReads, uploadNo: number, sent: string): Promise<Error> {
  const { rows } = await catalog.listParts(uploadNo, { after: null, limit: MAX_PARTS });
  return invalidTreeHash(sent, explainWholeHash(sent, rows));
}
