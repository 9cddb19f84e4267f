/**
 * Authorization cases: what IAM and the Glacier guide say must come out. Every expectation is written down here,
 * none is computed. The table is put together from one file for each theme.
 */
import { ACCOUNT_CASES } from './cases-accounts.ts';
import { ACTION_CASES } from './cases-actions.ts';
import type { Case } from './cases-cast.ts';
import { CONDITION_CASES } from './cases-conditions.ts';
import { EVALUATION_CASES } from './cases-evaluation.ts';
import { EXAMPLE_CASES } from './cases-examples.ts';
import { LOCK_CASES } from './cases-locks.ts';
import { PATTERN_CASES } from './cases-patterns.ts';
import { PRINCIPAL_CASES } from './cases-principals.ts';
import { VARIABLE_CASES } from './cases-variables.ts';

export const CASES: readonly Case[] = [
  ...ACTION_CASES,
  ...EVALUATION_CASES,
  ...ACCOUNT_CASES,
  ...PRINCIPAL_CASES,
  ...PATTERN_CASES,
  ...VARIABLE_CASES,
  ...CONDITION_CASES,
  ...EXAMPLE_CASES,
  ...LOCK_CASES,
];
