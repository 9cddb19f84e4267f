import {
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type UnknownRow,
  type ValueNode,
} from 'kysely';

/**
 * PostgreSQL's text cannot hold the character NUL and refuses a query that asks for it. Nothing that is stored has
 * one, so an id from outside that does is looked up as one that nobody has.
 */
class NulFree extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    const { value } = node;
    if (typeof value !== 'string' || !value.includes('\0')) return super.transformValue(node);
    return super.transformValue({ ...node, value: value.replaceAll('\0', '\u{fffd}') });
  }
}

/** Makes queries safe for text from outside that holds NUL. */
export function nulFree(): KyselyPlugin {
  const transformer = new NulFree();
  return {
    transformQuery: ({ node, queryId }: PluginTransformQueryArgs) => transformer.transformNode(node, queryId),
    transformResult: async ({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> =>
      result,
  };
}
