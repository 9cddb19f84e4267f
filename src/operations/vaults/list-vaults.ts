import { invalidMarker } from '../../domain/page.ts';
import { vaultArn, vaultNameOfArn } from '../../domain/vault.ts';
import { query } from '../fields.ts';
import { operation } from '../operation.ts';
import { limitParser, parseMarker } from '../paging.ts';
import { describeVault } from './vault-description.ts';

const VAULTS_PER_PAGE = 10;

export const listVaults = operation({
  name: 'ListVaults',
  method: 'GET',
  path: '/{accountId}/vaults',
  account: 'own-only',
  vault: 'none',
  body: 'none',
  success: 200,
  fields: { limit: query('limit', limitParser(VAULTS_PER_PAGE)), marker: query('marker', parseMarker) },
  errors: ['ResourceNotFoundException'],
  async run({ vaultKey, limit, marker }, { catalog, settings }) {
    const after = marker === null ? null : (vaultNameOfArn(marker, vaultKey) ?? fail(marker));
    const { rows, more } = await catalog.listVaults(vaultKey, { after, limit });
    const last = rows.at(-1);
    // The ARN of the last vault on this page. The next page begins after it.
    const next = more && last ? vaultArn(last) : null;
    const vaults = rows.map((vault) => describeVault(vault, settings.inventoryMode));
    return { json: { Marker: next, VaultList: vaults } };
  },
});

function fail(marker: string): never {
  throw invalidMarker(marker);
}
