import type { AccessRequest, Decision } from './authorize.ts';
import { qualifiedAction } from './extension-actions.ts';

/**
 * The message for a denied request, as AWS words it (observed; the reason after the resource since 2021).
 * In it, vault access and vault lock policies are both "resource-based".
 * @param decision one that is not allowed.
 */
export function denialText({ principal, action, resource }: AccessRequest, decision: Decision): string {
  const wanted = qualifiedAction(action);
  const refused = `User: ${principal.arn} is not authorized to perform: ${wanted} on resource: ${resource}`;
  const kind = decision.policyKind === 'identity' ? 'identity-based' : 'resource-based';
  return decision.reason === 'explicit-deny'
    ? `${refused} with an explicit deny in ${kind === 'identity-based' ? 'an' : 'a'} ${kind} policy`
    : `${refused} because no ${kind} policy allows the ${wanted} action`;
}
