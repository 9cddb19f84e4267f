import { AGE_KEY, TAG_KEY_PREFIX } from './actions.ts';
import { quote } from './elements.ts';
import { PolicyError } from './policy-error.ts';

/** Global keys that may have a value here. Lower case. */
const SUPPLIED: readonly string[] = [
  'aws:currenttime',
  'aws:epochtime',
  'aws:multifactorauthage',
  'aws:multifactorauthpresent',
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principaltag/',
  'aws:principaltype',
  'aws:referer',
  'aws:requestedregion',
  'aws:resourceaccount',
  'aws:securetransport',
  'aws:sourceip',
  'aws:tokenissuetime',
  'aws:useragent',
  'aws:userid',
  'aws:username',
];

/** Global keys that are valid in AWS but never have a value here. Lower case. */
const FOREIGN: readonly string[] = [
  'aws:assumedroot',
  'aws:calledvia',
  'aws:calledviafirst',
  'aws:calledvialast',
  'aws:chatbotsourcearn',
  'aws:ec2instancesourceprivateipv4',
  'aws:ec2instancesourcevpc',
  'aws:federatedprovider',
  'aws:principalisawsservice',
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:principalservicename',
  'aws:principalservicenameslist',
  'aws:requesttag/',
  'aws:resourceorgid',
  'aws:resourceorgpaths',
  'aws:resourcetag/',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourceidentity',
  'aws:sourceorgid',
  'aws:sourceorgpaths',
  'aws:sourceowner',
  'aws:sourcevpc',
  'aws:sourcevpcarn',
  'aws:sourcevpce',
  'aws:tagkeys',
  'aws:viaawsservice',
  'aws:vpceaccount',
  'aws:vpceorgid',
  'aws:vpceorgpaths',
  'aws:vpcsourceip',
];

const GLACIER: readonly string[] = [AGE_KEY, TAG_KEY_PREFIX];

/** A listed name that ends with `/` must be followed by the key of a tag. */
function isListed(key: string, list: readonly string[]): boolean {
  return list.some((name) => (name.endsWith('/') ? key.startsWith(name) && key !== name : key === name));
}

/** Whether the key may have a value here. @param key lower case. */
export function isSupplied(key: string): boolean {
  return isListed(key, GLACIER) || isListed(key, SUPPLIED);
}

/**
 * Checks the name of a condition key. Names of `aws:` and `glacier:` must be known: a condition on a mistyped key
 * never holds, so a Deny with one protects nothing. Identity policies may also name keys of other services.
 * @returns the key in lower case.
 * @throws PolicyError for a key that no request can have.
 */
export function requireConditionKey(name: string, inVaultPolicy: boolean): string {
  const key = name.toLowerCase();
  const [, service] = /^([a-z][a-z0-9.-]*):./.exec(key) ?? [];
  if (service === undefined)
    throw new PolicyError(`the condition key ${quote(name)} must be of the form "aws:Name".`);
  if (service === 'glacier' ? isListed(key, GLACIER) : isListed(key, [...SUPPLIED, ...FOREIGN])) return key;
  if (!inVaultPolicy && service !== 'glacier' && service !== 'aws') return key;
  throw new PolicyError(`unknown condition key ${quote(name)}.`);
}
